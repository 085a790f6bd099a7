# The configuration examples work as they are, and the documents name what there is
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Macros read the published values on every host."""

from __future__ import annotations

import pathlib
import re
from typing import Any, Callable

import pytest

from .basics import KEYS

ROOT = pathlib.Path(__file__).resolve().parents[2]
Play = Callable[..., dict[str, Any]]


def test_the_examples_load_and_work(play: Play) -> None:
    pytest.importorskip("jinja2")
    data = play("examples:use")
    assert data["state"] == "ready", data["message"]
    assert "nothing is heating up" in "\n".join(data["idle"])
    assert data["waiting"] and data["hub"]["heating"]
    assert all(status["ready"] for status in data["ready"])
    assert data["row"] == {"eta": 0.0}
    assert re.search(r"ready in \d+ s, held up by extruder", "\n".join(data["when"]))
    assert re.search(r"(heating|approaching): \d+ s, reached in \d+ s", "\n".join(data["nozzle"]))
    assert data["soak"] >= 60.0
    assert data["cool"] <= 46.0


def test_every_published_key_is_documented() -> None:
    text = (ROOT / "docs" / "status_reference.md").read_text(encoding="utf-8")
    for key in [*KEYS, "heater", "heaters"]:
        assert f"| `{key}` |" in text, key


def test_every_command_and_parameter_is_documented() -> None:
    text = (ROOT / "docs" / "gcodes.md").read_text(encoding="utf-8")
    source = "".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "klippy_extras" / "heater_eta").glob("*.py")
    )
    commands = set(re.findall(r'"(HEATER_ETA[A-Z_]*)"', source))
    assert commands == {"HEATER_ETA", "HEATER_ETA_WAIT", "HEATER_ETA_PREHEAT", "HEATER_ETA_RESET"}
    for command in commands:
        assert f"### {command}\n" in text
    for parameter in set(re.findall(r'gcmd\.get(?:_\w+)?\(\s*"([A-Z]+)"', source)):
        assert f"`{parameter}" in text, parameter
