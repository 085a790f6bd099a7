# The commands of heater_eta and its configuration, inside a klippy host
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Each test runs on the stand-in, and in every checkout that KLIPPER_DIR names."""

from __future__ import annotations

import re
from typing import Any, Callable

import pytest

Play = Callable[..., dict[str, Any]]


def countdown(lines: list[str]) -> list[int]:
    """Seconds to go, as the progress lines say them."""
    clocks = (re.search(r" in (\d+):(\d\d)", line) for line in lines)
    return [60 * int(found[1]) + int(found[2]) for found in clocks if found]


def test_wait_until_ready_cool_or_stable(play: Play) -> None:
    data = play("commands:wait")
    assert data["busy"] is False and data["took"] > 20.0
    said = countdown(data["lines"])
    assert len(said) >= 3 and said[0] > 2.0 * said[-1], "a countdown"
    assert data["again"] < 1.0
    assert 20.0 <= data["stable"] <= 120.0
    assert "cannot fall below 100" in data["held"]
    assert data["below"] <= 121.0
    assert any("below 120 in" in line for line in data["below_lines"])
    # it cools ever more slowly: a straight line would have said half of it
    far = countdown(data["far_lines"])
    assert abs(far[0] - data["far_took"]) < 0.25 * data["far_took"], (far, data["far_took"])
    assert any("below 40 in" in line for line in data["tepid_lines"]), "below the cool threshold"
    assert "no target" in data["none"]
    assert data["nothing"] < 1.0
    assert "not both" in data["both"]
    assert "SLOPE" in data["alone"]
    assert "HEATER" in data["whose"]
    assert "BELOW must be above 0" in data["range"]
    assert "not valid for HEATER" in data["who"]
    assert "TIMEOUT" in data["timeout"] and 5.0 <= data["timeout_took"] <= 6.5


def test_a_wait_can_be_cancelled(play: Play) -> None:
    data = play("commands:cancel")
    assert data["blocked"]
    assert data["cancelled"] == "heater_bed: wait cancelled"
    assert data["off"] == "heater_bed was turned off"


def test_cancelling_the_job_ends_its_wait(play: Play) -> None:
    data = play("commands:cancel_job")
    assert data["before"] == "printing"
    assert data["took"] < 5.0, "M190 would have kept the cancel waiting"
    assert data["after"] == "cancelled" and data["active"] is False


def test_preheat_makes_all_ready_together(play: Play) -> None:
    data = play("commands:preheat")
    sequential, parallel = data["sequential"], data["parallel"]
    together, sequence = data["preheat"], data["sequence"]
    # as quick as heating in parallel, and hot hardly longer than one after the other
    assert together["took"] < 0.85 * sequential["took"]
    assert together["took"] < 1.15 * parallel["took"]
    assert together["hot"] < 0.6 * parallel["hot"]
    assert sequence["full"] == 0, "never two heaters at full power"
    assert parallel["full"] > 0


def test_a_plan_ends_when_somebody_else_decides(play: Play) -> None:
    data = play("commands:plan_ends")
    assert "its turn" in "\n".join(data["table"])
    assert data["target"] == 0.0
    assert data["off"] == 0.0
    assert data["own"] == 100.0
    assert data["job"] == 0.0 and data["job_state"] == "cancelled"
    assert data["free"] < 0.5
    assert "no heater 'NOZZLE'" in data["bad_name"] and "HEATER_BED" in data["bad_name"]
    assert "out of range" in data["bad_value"]
    assert "unable to parse hot" in data["bad_text"]
    assert "not a temperature" in data["nan"] or "unable to parse nan" in data["nan"]
    assert "HEATER_BED=60" in data["empty"]
    assert data["untouched"] == 90.0
    assert data["shutdown"] == 0.0


def test_options_display_and_rows(play: Play) -> None:
    data = play("commands:display")
    assert data["shown"].startswith("Bed ready in ")
    assert data["later"].startswith("Bed ready in ") and data["later"] != data["shown"]
    assert data["other"] == "Mine", "somebody else's message stays"
    assert data["again"].startswith("Bed ready in ")
    assert not data["end"]
    assert data["companion"] == {"eta": 0.0}
    assert data["companion_heating"]["eta"] == data["eta"] > 0.0
    assert data["objects"] == ["heater_eta", "heater_eta extruder", "heater_eta heater_bed"]


@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        ("unknown_heater", ["[heater_eta Extruder]", "no heater 'Extruder'", "extruder"]),
        ("unknown_option", ["'bogus'", "heater_eta extruder"]),
        ("unknown_exclude", ["exclude", "'nozzle'"]),
        ("bad_kind", ["kind", "oven"]),
        ("bad_number", ["cool_threshold", "heater_eta extruder"]),
    ],
)
def test_a_configuration_error_is_one_clear_sentence(
    play: Play, scenario: str, words: list[str]
) -> None:
    data = play(f"commands:{scenario}")
    assert data["state"] == "error"
    for word in words:
        assert word in data["message"], data["message"]


def test_a_section_of_one_heater_brings_the_hub(play: Play) -> None:
    assert play("commands:only_prefix")["state"] == "ready"


def test_a_damaged_file_is_set_aside(play: Play) -> None:
    data = play("commands:damaged")
    assert data["aside"] and data["state"] == "ready" and data["heating"]
