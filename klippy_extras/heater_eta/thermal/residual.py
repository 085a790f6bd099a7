# What this heater's own past says about the next prediction's error
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Errors of earlier predictions, kept by how far the heat-up had come, correct the next ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

#: places at which predictions are remembered: shares of the way to "reached" ...
WAY = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
#: ... and seconds after it
AFTER = (0.0, 4.0, 8.0, 14.0, 20.0, 28.0)
COUNT = len(WAY) + len(AFTER)


def place(elapsed: float, reached_in: float, since_reached: Optional[float]) -> float:
    """Where a heat-up is, as a fractional index into the remembered places."""
    if since_reached is not None:
        return len(WAY) + _index(AFTER, since_reached)
    share = elapsed / max(elapsed + reached_in, 1e-3)
    return min(_index(WAY, share), len(WAY) - 1.0)


def _index(knots: Sequence[float], value: float) -> float:
    for i in range(len(knots) - 1, -1, -1):
        if value >= knots[i]:
            if i == len(knots) - 1:
                return float(i)
            return i + (value - knots[i]) / (knots[i + 1] - knots[i])
    return 0.0


@dataclass
class Past:
    start: float
    target: float
    duration: float
    tail: float  # ready minus reached
    reached: list[Optional[float]]  # actual minus predicted, per place
    ready: list[Optional[float]]

    def to_dict(self) -> dict[str, Any]:
        return dict(vars(self))


def read_past(data: Any) -> Optional[Past]:
    """A remembered heat-up from JSON, or None."""
    if not isinstance(data, Mapping):
        return None
    try:
        numbers = [float(data[k]) for k in ("start", "target", "duration", "tail")]
        lists = []
        for key in ("reached", "ready"):
            values = [None if v is None else float(v) for v in data[key]]
            if len(values) != COUNT:
                return None
            lists.append(values)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    flat = [v for values in lists for v in values if v is not None]
    if not all(math.isfinite(v) and abs(v) < 1e5 for v in (*numbers, *flat)) or numbers[2] <= 0.0:
        return None
    return Past(numbers[0], numbers[1], numbers[2], numbers[3], lists[0], lists[1])


@dataclass
class Recorder:
    """Notes the predictions of a running heat-up at the places."""

    reached: list[Optional[float]] = field(default_factory=lambda: [None] * COUNT)
    ready: list[Optional[float]] = field(default_factory=lambda: [None] * COUNT)

    def note(self, at: float, reached: float, ready: Optional[float]) -> None:
        i = int(at)
        if self.reached[i] is None:
            self.reached[i] = reached
            self.ready[i] = ready


def similar(past: Past, start: float, target: float, width: float) -> float:
    a = (past.target - target) / width
    b = (past.start - start) / width
    return math.exp(-0.5 * (a * a + b * b))


def value_at(values: Sequence[Optional[float]], at: float) -> Optional[float]:
    i = int(at)
    low = values[i]
    edge = i + 1 >= COUNT or (i + 1 == len(WAY))
    high = None if edge else values[i + 1]
    if low is None:
        return high
    if high is None:
        return low
    return low + (at - i) * (high - low)
