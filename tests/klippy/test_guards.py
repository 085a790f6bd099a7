# An error of ours never stops the printer, and never floods its log
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Errors are planted where klippy's reactor calls the extra."""

from __future__ import annotations

from typing import Any, Callable

Play = Callable[..., dict[str, Any]]


def test_one_heater_that_cannot_be_followed_holds_up_no_other(play: Play) -> None:
    data = play("guards:sampling", complains=True)
    assert data["state"] == "ready"
    assert data["first"]["state"] == "unknown" and data["first"]["eta"] is None
    assert data["before"]["heating"] and data["after"] != data["before"]
    assert data["healed"]["state"] != "unknown"
    assert len(data["log"]) == 1, data["log"]
    assert "the printer is not affected" in data["log"][0]


def test_an_error_in_the_timer_is_said_once_and_the_timer_goes_on(play: Play) -> None:
    data = play("guards:timer", complains=True)
    assert data["state"] == "ready"
    assert data["healed"]["heating"]
    assert len(data["log"]) == 1, data["log"]


def test_an_error_in_a_command_is_that_commands_error_only(play: Play) -> None:
    data = play("guards:commands", complains=True)
    assert data["state"] == "ready", "klippy shuts down on what is no error of its own"
    assert data["refused"] == "HEATER_ETA failed (ValueError); see klippy.log"
    assert data["wait"] == "HEATER_ETA_WAIT failed (ValueError); see klippy.log"
    assert len(data["log"]) == 3, data["log"]
    assert any("heater_bed" in line for line in data["healed"])
