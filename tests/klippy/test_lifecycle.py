# What must not outlive a restart, what must be told to the model, where the extra may lie
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Each test runs on the stand-in, and in every checkout that KLIPPER_DIR names."""

from __future__ import annotations

from typing import Any, Callable

Play = Callable[..., dict[str, Any]]


def test_a_plan_does_not_outlive_its_printer(play: Play) -> None:
    """RESTART, FIRMWARE_RESTART and a shutdown: a nozzle must never heat up by itself."""
    data = play("lifecycle:plans")
    for name in ("restart", "firmware_restart", "after_shutdown"):
        assert data[name] == {
            "targets": [0.0, 0.0],
            "heating": [False, False],
            "hub": False,
            "active": False,
            "state": "ready",
        }, name
    assert data["shutdown"] == 0.0


def test_the_model_is_told_of_fan_and_tool_changes(play: Play) -> None:
    data = play("lifecycle:disturbances")
    hotends = ["extruder", "extruder1"]
    assert data["fan_on"] == data["fan_off"] == data["tool"] == hotends
    assert data["fan_little"] == data["nothing"] == []


def test_it_lies_where_each_host_looks_for_it(play: Play, checkout: str, kalico: bool) -> None:
    """Klipper knows klippy/extras only; Kalico has klippy/plugins for what is not its own."""
    data = play("lifecycle:where")
    assert data["state"] == "ready"
    place = "klippy.plugins" if kalico else "extras"
    assert data["module"] == f"{place}.heater_eta.heater_eta"


def test_the_options_of_one_heater(play: Play) -> None:
    data = play("lifecycle:options")
    assert data["path"] in ("other/eta.json", "gcodes/../other/eta.json")
    assert data["tepid"] == "cooling", "40 C is the usual threshold of a bed, this one has 35"
    assert 33.0 < data["cooled"] <= 35.5
    assert "extruder" in data["kept"] and "heater_bed" not in data["kept"], "learn: False"
    assert data["fingerprint"]["kind"] == "chamber", "kind: chamber"
    assert data["learned"] == {"extruder": 1, "heater_bed": 0}


def test_a_plan_is_content_with_help_and_patient_with_trouble(play: Play) -> None:
    data = play("lifecycle:joined")
    assert data["joined"] == [215.0, 90.0] and data["said"] == []
    assert "its turn" not in data["table"]
    assert data["held_back"] == [0.0, 90.0], "no use in a hot nozzle over a cold bed"
    assert data["cancelled"] is False and data["state"] == "ready"
