"""pmap's man page says what the program's own tables say, word for word."""

import re

import pytest
from conftest import HERE

from pymemtools.models.map_kinds import KINDS
from pymemtools.procfs.smaps.fields import SMAPS_FIELDS
from pymemtools.procfs.vmflags import VMFLAGS
from pymemtools.reports.pmap.columns import OWN

PAGE = (HERE.parent / "man" / "man1" / "pymemtools-pmap.1").read_text()
DESCRIBED = dict(re.findall(r"^\.It (?:Cm|Sy) (.*)\n(.*)$", PAGE, re.MULTILINE))
TABLES = {**{field: own.help for field, own in OWN.items()}, **SMAPS_FIELDS, **KINDS, **VMFLAGS}


@pytest.mark.parametrize("name", TABLES)
def test_described(name: str) -> None:
    text = TABLES[name]
    assert DESCRIBED[name] == f"{text[0].upper()}{text[1:]}."
