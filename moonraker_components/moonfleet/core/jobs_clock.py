# A clock for the job tracker that no correction of the wall clock can disturb
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Small computers start with a wrong clock and set it minutes later, sometimes by years."""

from __future__ import annotations

from typing import Any, Optional

from .jobs_record import number

STEP = 5.0  # s; less is the rounding and slewing of two clocks, more is a clock that was set


class JobClock:
    """``t`` only grows, in seconds; ``wall(t)`` is the Unix time of it by today's wall clock."""

    def __init__(self) -> None:
        self.t = 0.0
        self._now: Optional[float] = None
        self._mono: Optional[float] = None

    def advance(self, now: float, mono: Optional[float] = None) -> float:
        """Move on to ``now`` (Unix); returns how far the wall clock was set meanwhile, or 0.0.

        With ``mono`` (any monotonic clock of this process) every correction is noticed. Without it
        only a clock that goes back is.
        """
        before, mono_before = self._now, self._mono
        self._now, self._mono = now, mono
        if before is None:
            return 0.0
        if mono is not None and mono_before is not None:
            step = max(0.0, mono - mono_before)
            drift = (now - before) - step
            if abs(drift) <= STEP:
                drift, step = 0.0, max(0.0, now - before)
        else:
            step = max(0.0, now - before)
            drift = min(0.0, now - before)
        self.t += step
        return drift

    def wall(self, t: Optional[float] = None) -> float:
        return (self._now or 0.0) - (self.t - (self.t if t is None else t))

    def to_dict(self) -> dict[str, Any]:
        return {"t": self.t, "wall": self._now}

    @classmethod
    def from_dict(cls, stored: Any) -> JobClock:
        """A process that was away takes the wall clock's word for how long."""
        clock = cls()
        if isinstance(stored, dict):
            clock.t = max(0.0, number(stored.get("t")) or 0.0)
            clock._now = number(stored.get("wall"))
        return clock
