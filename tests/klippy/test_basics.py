# The extra inside a klippy host: values, states, life cycle
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Each test runs on the stand-in, and in every checkout that KLIPPER_DIR names."""

from __future__ import annotations

from typing import Any, Callable

Play = Callable[..., dict[str, Any]]


def test_heat_hold_cool(play: Play) -> None:
    data = play("basics:heat_hold_cool")
    assert data["idle"]["state"] == "off"
    assert data["idle"]["eta"] == 0.0
    assert data["first"] <= 0.5, "first estimate after the target was set"
    assert data["hub_first"]["heater"] == "extruder"
    states = data["states"]
    assert states[0] in ("off", "heating")
    order = ["heating", "ready", "cooling", "cooled"]
    assert [s for s in states if s in order] == order, states
    assert data["hold"]["ready"] and data["hold"]["progress"] == 1.0
    # a heater that holds or is off sends nothing, but for a lesson just learned
    assert data["hold_changes"] in ([], ["learned"])
    assert data["cooled_changes"] in ([], ["learned"])
    cooldown = data["cooling"]["cooldown_eta"]
    assert data["cooling"]["state"] == "cooling" and cooldown > 10.0
    # the first cool-down ever of this heater: nothing is learned yet
    assert abs(cooldown - data["cool_took"]) < 0.5 * data["cool_took"]
    # the release of M109 against what was said every second
    end = data["start"] + data["release"]
    errors = [abs(end - (t + eta)) for t, _, eta, _ in data["rows"] if eta]
    assert len(errors) > 0.9 * data["release"] - 3
    assert sum(errors) / len(errors) < 0.25 * data["release"]


def test_new_target_while_heating_and_cooling_to_a_lower_one(play: Play) -> None:
    data = play("basics:retarget")
    assert data["second"]["target"] == 240.0
    assert data["second"]["eta_reached"] > data["first"]["eta_reached"]
    assert data["after"]["ready"]
    assert not data["down"]["ready"]
    assert data["down_took"] > 10.0
    assert data["down_ready"]["ready"]


def test_the_printer_is_as_late_as_its_slowest_heater(play: Play) -> None:
    data = play("basics:two_heaters")
    parts = data["parts"]
    slowest = max(parts, key=lambda name: parts[name]["eta"])
    assert data["hub"]["heater"] == slowest
    assert data["hub"]["eta"] == parts[slowest]["eta"]
    assert data["hub"]["heating"] and not data["hub"]["ready"]
    assert data["hub"]["heaters"] == ["chamber", "extruder", "heater_bed"]
    text = "\n".join(data["table"])
    assert text.startswith("// heater ") and "held up by " + slowest in text
    assert text.count("\n") == 4, "a heading, three heaters and the whole"
    assert "extruder" not in "\n".join(data["one"]).split("held up by")[0]
    assert "not valid for HEATER" in data["refused"] and "heater_bed" in data["refused"]
    assert data["ready"] == {
        "eta": 0.0,
        "ready": True,
        "heating": False,
        "heater": None,
        "heaters": ["chamber", "extruder", "heater_bed"],
    }
    assert data["chamber"]["state"] == "ready", "watermark regulation"


def test_after_a_shutdown_nothing_heats(play: Play) -> None:
    data = play("basics:shutdown")
    assert data["before"]["heating"]
    assert data["target"] == 200.0, "klippy keeps the target"
    assert data["after"]["heating"] is False and data["after"]["eta"] in (0.0, None)
    assert data["hub"]["heating"] is False
    assert data["later"]["heating"] is False
    assert data["state"] == "shutdown"


def test_a_sensor_that_went_silent_is_unknown(play: Play) -> None:
    data = play("basics:stale")
    assert data["stuck"]["state"] == "unknown" and data["stuck"]["eta"] is None
    assert data["stuck"]["ready"] is False
    assert data["hub"]["eta"] is None and data["hub"]["heater"] == "heater_bed"
    assert data["back"]["state"] in ("heating", "approaching", "settling")


def test_a_heater_that_cannot_get_there(play: Play) -> None:
    data = play("basics:weak")
    assert data["weak"]["eta"] is None and data["weak"]["ready"] is False
    assert data["state"] == "ready", "a warning, never a shutdown"
    if data["weak"]["heating"]:
        assert data["hub"]["eta"] is None and data["hub"]["heater"] == "extruder"


def test_an_error_of_ours_does_not_reach_the_printer(play: Play) -> None:
    data = play("basics:broken", complains=True)
    assert data["state"] == "ready"
    assert data["broken"]["state"] == "unknown"
    assert data["other"]["heating"]
    assert data["healed"]["state"] != "unknown"


def test_what_was_learned_survives_restarts(play: Play) -> None:
    data = play("basics:learning")
    assert data["first"]["learned"] >= 1
    assert data["file"]["version"] == 1
    assert set(data["file"]["heaters"]) == {"extruder", "heater_bed", "chamber"}
    assert data["second"]["learned"] == data["first"]["learned"]
    assert data["third"]["learned"] == data["first"]["learned"]
    assert data["reset"]["learned"] == 0
    assert "not valid for HEATER" in data["refused"]


def test_a_restart_right_after_a_heat_up_loses_no_lesson(play: Play) -> None:
    assert play("basics:last_moment")["after"] == 1


def test_the_part_fan_disturbs_quietly(play: Play) -> None:
    data = play("basics:fan")
    assert data["state"] == "ready"
    assert data["status"]["state"] in ("ready", "settling", "approaching")


def test_noise_does_not_make_a_held_heater_talk(play: Play) -> None:
    data = play("basics:noisy")
    assert [change for change in data["changes"] if change[1] != "learned"] == []
    assert data["rates"] == [0.0, 0.0]


def test_ready_is_the_hosts_own_word(play: Play) -> None:
    data = play("basics:too_hot")
    assert data["busy"] is False
    assert data["status"]["ready"] is True and data["status"]["state"] == "ready"


def test_new_gains_are_followed(play: Play) -> None:
    data = play("basics:gains")
    assert abs(data["after"][0] - 1.5 * data["before"][0]) < 1e-9
    assert data["status"]["heating"]
