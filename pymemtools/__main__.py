"""``python -m pymemtools``."""

from pymemtools.entry import main

main()
