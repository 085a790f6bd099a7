# Reconnect schedule: attempt number -> delay
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Pure: the random number is handed in, so a test can say what it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """Exponential delays ``first * 2**n`` up to ``cap`` seconds, each +-``jitter`` (a share)."""

    first: float = 1.0
    cap: float = 60.0
    jitter: float = 0.2

    def delay(self, attempt: int, random: float) -> float:
        """Seconds to wait before ``attempt`` (0 is the first retry); ``random`` is in 0..1."""
        base = min(self.cap, self.first * 2.0 ** min(max(attempt, 0), 30))
        return min(self.cap, base * (1.0 + self.jitter * (2.0 * random - 1.0)))
