# The pace of polling, rule by rule
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Pure: the documented table of docs/prusalink.md."""

from __future__ import annotations

from typing import Any, Optional

import pytest
from moonfleet.bridges.prusalink.protocol.identity import Flavour
from moonfleet.bridges.prusalink.schedule import Pace, offline_delay, poll_delay, spread
from moonfleet.core.model import Job, PrinterSnapshot, PrintState

PACE = Pace()


def delay(
    state: PrintState,
    job: Optional[Job] = None,
    flavour: Flavour = Flavour.BUDDY,
    stage: Optional[str] = None,
    **known: Any,
) -> float:
    facts = {"heating": False, "waiting": False, "since_end": None, **known}
    return poll_delay(PACE, PrinterSnapshot(state=state, job=job, stage=stage), flavour, **facts)


@pytest.mark.parametrize(
    ("expected", "state", "job", "known"),
    [
        (15.0, PrintState.STANDBY, None, {}),
        (9.0, PrintState.STANDBY, None, {"flavour": Flavour.PYTHON}),
        (2.0, PrintState.STANDBY, None, {"waiting": True}),
        (2.0, PrintState.STANDBY, None, {"heating": True}),
        (5.0, PrintState.STANDBY, None, {"stage": "busy"}),
        (5.0, PrintState.STANDBY, None, {"stage": "attention"}),
        (5.0, PrintState.PRINTING, None, {}),
        (5.0, PrintState.PRINTING, Job(progress=0.5, time_left=600.0), {}),
        (2.0, PrintState.PRINTING, Job(progress=0.5, time_left=59.0), {}),
        (2.0, PrintState.PRINTING, Job(progress=0.98), {}),
        (5.0, PrintState.PAUSED, Job(progress=0.5), {}),
        (5.0, PrintState.COMPLETE, None, {"since_end": 30.0}),
        (15.0, PrintState.COMPLETE, None, {"since_end": 90.0}),
        (9.0, PrintState.CANCELLED, None, {"since_end": 90.0, "flavour": Flavour.PYTHON}),
    ],
)
def test_situations(expected: float, state: PrintState, job: Any, known: dict[str, Any]) -> None:
    assert delay(state, job, **known) == expected


def test_an_end_of_eleven_seconds_cannot_be_slept_through() -> None:
    assert spread(PACE.idle_python, PACE.jitter, 1.0) < 11.0


def test_offline_and_jitter() -> None:
    assert [offline_delay(PACE, attempt) for attempt in range(7)] == [5, 10, 20, 40, 60, 60, 60]
    assert spread(10.0, 0.1, 0.0) == 9.0 and spread(10.0, 0.1, 1.0) == 11.0
    assert spread(PACE.fast, PACE.jitter, 0.0) >= 1.8
