# The documents say what the code does
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Options, events and methods are compared with their tables."""

from __future__ import annotations

import importlib
import pathlib
import re

import pytest
from moonfleet.bridges.base import Link, bridge_types
from moonfleet.config import PRICES
from moonfleet.core.errors import MoonfleetError
from moonfleet.events import TYPES
from moonfleet.options import COMMON, SectionReader

ROOT = pathlib.Path(__file__).resolve().parents[3]
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text()
API = (ROOT / "docs" / "external_api.md").read_text()
HOUSE = ROOT / "moonraker_components" / "moonfleet"


def table(text: str, heading: str) -> dict[str, list[str]]:
    """First column (without backticks) -> the other cells."""
    section = re.split(r"\n#+ ", text.split(heading, 1)[1])[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("| `")
    ]
    return {row[0].strip("`"): row[1:] for row in rows}


def test_the_common_options():
    documented = table(CONFIGURATION, "### Every type")
    assert list(documented) == [option.name for option in COMMON]
    for option in COMMON:
        if option.default in ("afc", "jobs", "printer", "none", "required"):
            assert documented[option.name][0].strip("`") == option.default


def test_the_options_of_the_main_section():
    source = (HOUSE / "config.py").read_text()
    read = set(re.findall(r'reader\.(?:text|choice)\("(\w+)"', source)) | set(PRICES)
    read -= {"type"}  # of a printer's section, read where its type is found
    assert set(table(CONFIGURATION, "## `[moonfleet]`")) == read


@pytest.mark.parametrize("kind", ["bambu", "prusalink"])
def test_the_options_of_a_type(kind: str):
    importlib.import_module(f"moonfleet.bridges.{kind}.bridge")
    bridge_type = bridge_types()[kind]
    values = {"serial": "00M00A000000001", "access_code": "12345678", "password": "x"}
    reader = SectionReader("moonfleet x", values)
    bridge_type.parse(reader)
    documented = table(CONFIGURATION, f"### `type: {kind}`")
    assert set(documented) == reader._asked
    for option, cells in documented.items():
        missing = {name: value for name, value in values.items() if name != option}
        if cells[0] == "required":
            with pytest.raises(MoonfleetError, match=option):
                bridge_type.parse(SectionReader("moonfleet x", missing))
    assert (
        f"{bridge_type.default_port} ({kind})" in table(CONFIGURATION, "### Every type")["port"][0]
    )


def test_the_events():
    rows = API.split("| type | details | told |", 1)[1].split("\n\n", 1)[0]
    first_cells = " ".join(row.split("|")[1] for row in rows.splitlines() if row.startswith("| `"))
    assert set(re.findall(r"`(\w+)`", first_cells)) == set(TYPES)


def test_the_methods():
    source = (HOUSE / "api.py").read_text() + (HOUSE / "printers_api.py").read_text()
    paths = set(re.findall(r'^            "([a-z_/]+)": self\._', source, re.MULTILINE))
    assert len(paths) > 15
    rows = " ".join(f"`{name}`" for name in table(API, "| method | parameters"))
    for path in paths:
        method = path.replace("/", ".")
        short = "." + method.rpartition(".")[2]
        assert f"server.moonfleet.{method}`" in rows or f"`{short}`" in rows, method


def test_the_connection_states():
    for state in Link:
        assert f"`{state.value}`" in API
