"""The sessions in docstrings, and the README's, are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re

import pytest
from conftest import HERE

import pymemtools

MODULES = sorted(
    module.name for module in pkgutil.walk_packages(pymemtools.__path__, "pymemtools.") if "__main__" not in module.name
)


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_the_readmes_example_runs() -> None:
    example = re.search(r"```python\n(.*?)```", (HERE.parent / "README.md").read_text(), re.DOTALL)
    assert example is not None
    names: dict[str, object] = {}
    exec(example[1], names)
    assert isinstance(names["available"], int)
    assert isinstance(names["heap"], int)
    assert names["available"] > names["heap"] > 0
