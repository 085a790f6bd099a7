# What must never reach the reactor, and what must end a wait
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Hostile samples inside the host; interrupts of Kalico."""

from __future__ import annotations

from typing import Any, Callable

import pytest

Play = Callable[[str], dict[str, Any]]


def test_hostile_samples_never_raise(play: Play) -> None:
    data = play("faults:fuzz")
    assert data["state"] == "ready"
    assert data["after"]["state"] != "unknown"
    assert data["after"]["ready"] is not data["busy"]


def test_kalicos_interrupt_ends_a_wait(play: Play, kalico: bool) -> None:
    if not kalico:
        pytest.skip("an interrupt counter is Kalico's")
    assert play("faults:interrupt")["end"] == "heater_bed: wait cancelled"
