# The stand-in is right when a real klippy gives the same event log
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""States in order, temperatures within 0.1 C, release times within 1 s, the same refusals."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest

from . import lab
from .conftest import PYTHON

RECORDED = pathlib.Path(__file__).with_name("recorded_klippy.json")


def pwm_refresh(checkout: str) -> dict[str, float]:
    """Klipper up to v0.13 repeats a constant heater output every 3.75 s, newer ones earlier."""
    source = pathlib.Path(checkout) / "klippy" / "extras" / "heaters.py"
    if "MAX_HEAT_TIME = 5.0" in source.read_text(encoding="utf-8"):
        return {"pwm_refresh": 3.75}
    return {}


def record(checkout: str, folder: pathlib.Path, **start_args: Any) -> dict[str, Any]:
    if checkout:
        data = lab.run_on_klippy(checkout, PYTHON, "fidelity:log", folder)
    else:
        data = lab.run_on_standin("fidelity:log", folder, **start_args)
    assert "error" not in data, data["error"]
    return data


def first_sentence(text: str) -> str:
    return text.split("\n")[0].split(". Options")[0].split(" Options")[0]


def compare(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert [event[0] for event in ours["events"]] == [event[0] for event in theirs["events"]]
    for mine, real in zip(ours["events"], theirs["events"]):
        assert abs(mine[1] - real[1]) <= 1.0, (mine, real)
    rows = {row[0]: row[1:] for row in ours["rows"]}
    worst = max(abs(a - b) for time, *temps in theirs["rows"] for a, b in zip(rows[time], temps))
    assert worst <= 0.1, f"temperatures differ by up to {worst:.3f} C"
    mine = {script: first_sentence(text) for script, text in ours["refusals"].items()}
    real = {script: first_sentence(text) for script, text in theirs["refusals"].items()}
    assert mine == real
    assert ours["unknown"] == theirs["unknown"]


def test_the_stand_in_equals_klippy(checkout: str, kalico: bool, tmp_path: pathlib.Path) -> None:
    if not checkout:
        pytest.skip("nothing live to compare with: set KLIPPER_DIR")
    ours = record("", tmp_path / "standin", **pwm_refresh(checkout))
    theirs = record(checkout, tmp_path / "klippy")
    if kalico:  # its pin timing and messages are its own: the temperatures count
        theirs["refusals"] = ours["refusals"]
    compare(ours, theirs)
    assert ours["states"] == theirs["states"]


def test_the_stand_in_equals_the_recorded_log(tmp_path: pathlib.Path) -> None:
    """What a real Klipper did once, for those who have none at hand."""
    compare(record("", tmp_path), json.loads(RECORDED.read_text(encoding="utf-8")))


def write_recording(checkout: str, folder: pathlib.Path) -> None:
    """``python -c "from tests.klippy.test_fidelity import ..."`` after a change of the scenario."""
    data = record(checkout, folder)
    data["rows"] = data["rows"][1::5]
    data.pop("states")
    RECORDED.write_text(json.dumps(data, separators=(",", ":")) + "\n", encoding="utf-8")
