# What must never reach the reactor, and what must end a wait
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Hostile samples inside the host; interrupts of Kalico."""

from __future__ import annotations

from typing import Any, Callable

import pytest

Play = Callable[..., dict[str, Any]]


def test_hostile_samples_never_raise(play: Play) -> None:
    data = play("faults:fuzz")
    assert data["state"] == "ready"
    assert data["after"]["state"] != "unknown"
    assert data["after"]["ready"] is not data["busy"]


def test_kalicos_interrupt_ends_a_wait(play: Play, kalico: bool) -> None:
    if not kalico:
        pytest.skip("an interrupt counter is Kalico's")
    assert play("faults:interrupt")["end"] == "heater_bed: wait cancelled"


def test_a_dead_heater_is_named_before_the_watchdog_trips(play: Play, checkout: str) -> None:
    states = play("faults:dead")["states"]
    said = [state for state, printer in states if printer == "ready"]
    assert "stalled" in said, said
    if checkout:  # the stand-in has no verify_heater
        assert states[-1][1] == "shutdown"
    assert states[-1][0] != "heating"


def test_a_heater_that_has_become_weaker_is_named(play: Play) -> None:
    data = play("faults:ageing")
    assert data["healthy"] == [None] * 6
    assert isinstance(data["weak"][-1], str) and len(data["weak"][-1]) > 20
    assert data["weak"][-1] in " ".join(line.replace("// ", "") for line in data["table"])
    assert data["state"] == "ready", "a warning, never a shutdown"
