# When to ask next: pure, no clock of its own
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Embedded servers with three sockets: as rarely as possible, as often as an end needs to be seen.

The Python server shows FINISHED for 11 seconds only, so its idle pace stays below that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ...core.model import PrinterSnapshot, PrintState
from .protocol.identity import Flavour

END_NEAR = 60.0  # seconds left
END_PROGRESS = 0.98


@dataclass(frozen=True)
class Pace:
    """Seconds between two polls; the tests bring a faster one."""

    fast: float = 2.0  # after a command, while heating, at the end of a job
    active: float = 5.0
    settled: float = 60.0  # an end stays interesting for so long
    idle: float = 15.0
    idle_python: float = 9.0
    boost: float = 30.0  # a command is waited for no longer than this
    jitter: float = 0.1
    timeout: float = 10.0  # per request
    connect_timeout: float = 5.0
    silence: float = 120.0  # of an upload or download: not one byte moves
    offline: tuple[float, ...] = (5.0, 10.0, 20.0, 40.0, 60.0)
    wrong_credentials: float = 60.0
    job_retry: float = 60.0  # what was missing (a job's file, who it is) is asked for again then
    failures: int = 3  # in a row before a printer is called unreachable
    refusals: int = 2  # connections refused in a row: nobody is there


def spread(delay: float, jitter: float, random: float) -> float:
    """``delay`` +- ``jitter`` (a share); ``random`` is in 0..1."""
    return delay * (1.0 + jitter * (2.0 * random - 1.0))


def poll_delay(
    pace: Pace,
    snapshot: PrinterSnapshot,
    flavour: Optional[Flavour],
    *,
    heating: bool,
    waiting: bool,
    since_end: Optional[float],
) -> float:
    """``waiting``: a command has not shown its effect; ``since_end``: seconds since a job ended."""
    if waiting or heating:
        return pace.fast
    job, state = snapshot.job, snapshot.state
    if state is PrintState.PRINTING:
        near = job is not None and (
            (job.time_left is not None and job.time_left < END_NEAR)
            or (job.progress is not None and job.progress >= END_PROGRESS)
        )
        return pace.fast if near else pace.active
    if state is PrintState.PAUSED or snapshot.stage in ("attention", "busy"):
        return pace.active
    if since_end is not None and since_end < pace.settled:
        return pace.active
    return pace.idle_python if flavour is Flavour.PYTHON else pace.idle


def offline_delay(pace: Pace, attempt: int) -> float:
    return pace.offline[min(max(attempt, 0), len(pace.offline) - 1)]
