# The stand-in is right when a real klippy gives the same event log
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""States in order, temperatures within 0.1 C, release times within 1 s, the same refusals."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest

from . import lab
from .conftest import PYTHON


def record(checkout: str, folder: pathlib.Path) -> dict[str, Any]:
    if checkout:
        data = lab.run_on_klippy(checkout, PYTHON, "fidelity:log", folder)
    else:
        data = lab.run_on_standin("fidelity:log", folder)
    assert "error" not in data, data["error"]
    return data


def first_sentence(text: str) -> str:
    return text.split("\n")[0].split(". Options")[0].split(" Options")[0]


def test_the_stand_in_equals_klippy(checkout: str, kalico: bool, tmp_path: pathlib.Path) -> None:
    if not checkout:
        pytest.skip("nothing to compare with: set KLIPPER_DIR")
    ours = record("", tmp_path / "standin")
    theirs = record(checkout, tmp_path / "klippy")
    for mine, real in zip(ours["events"], theirs["events"]):
        assert mine[0] == real[0]
        assert abs(mine[1] - real[1]) <= 1.0, (mine, real)
    assert len(ours["events"]) == len(theirs["events"])
    assert ours["states"] == theirs["states"]
    assert len(ours["rows"]) == len(theirs["rows"])
    worst = max(
        abs(a - b) for x, y in zip(ours["rows"], theirs["rows"]) for a, b in zip(x[1:4], y[1:4])
    )
    assert worst <= 0.1, f"temperatures differ by up to {worst:.3f} C"
    mine = {k: first_sentence(v) for k, v in ours["refusals"].items()}
    real = {k: first_sentence(v) for k, v in theirs["refusals"].items()}
    assert mine == real
    assert ours["unknown"] == theirs["unknown"]
