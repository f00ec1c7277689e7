"""Experiments: the only room that starts programs, and attaches to what it started.

A guard outlives whatever ends us, and puts everything back. Experiments see, and judge nothing: see reports/lab.
"""
