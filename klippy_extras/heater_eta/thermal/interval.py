# How wrong a prediction usually is, for everybody and for this heater
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Population tables of the prediction error, and a scale learned from the heater's own errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from .residual import WAY

#: (offset, lower, upper) per place on the way, as shares of what is predicted to remain: where
#: the raw prediction is usually wrong, and the 80 % band around the corrected one
Row = tuple[float, float, float]
_MAP = dict[tuple[bool, int], tuple[Row, ...]]


def _rows(offsets: Sequence[float], low: Sequence[float], high: Sequence[float]) -> tuple[Row, ...]:
    assert len(offsets) == len(low) == len(high) == len(WAY)
    return tuple(zip(offsets, low, high))


_HOTEND_WARM = (0.04, 0.03, 0.03, 0.03, 0.03, 0.03, 0.03, 0.02, -0.03, -0.06, 0.05)
_BED_WARM = (0.03, 0.03, 0.06, 0.07, 0.08, 0.09, 0.10, 0.09, 0.04, -0.05, -0.05)
#: keys: is it a hotend, and how many heat-ups are known (0, 1: one or two, 2: more)
TABLES: _MAP = {
    (True, 0): _rows(
        (0.0, 0.0, 0.02, 0.03, 0.02, 0.01, -0.02, -0.04, -0.10, -0.20, -0.08),
        (0.32, 0.32, 0.28, 0.24, 0.22, 0.20, 0.20, 0.20, 0.25, 0.35, 0.45),
        (0.28, 0.28, 0.28, 0.26, 0.24, 0.20, 0.18, 0.16, 0.18, 0.22, 0.40),
    ),
    (True, 1): _rows(
        _HOTEND_WARM,
        (0.09, 0.09, 0.09, 0.108, 0.117, 0.117, 0.135, 0.162, 0.18, 0.252, 0.27),
        (0.18, 0.162, 0.144, 0.135, 0.126, 0.126, 0.135, 0.144, 0.162, 0.18, 0.315),
    ),
    (True, 2): _rows(
        _HOTEND_WARM,
        (0.072, 0.072, 0.072, 0.081, 0.09, 0.099, 0.108, 0.126, 0.144, 0.198, 0.225),
        (0.135, 0.126, 0.117, 0.108, 0.108, 0.108, 0.117, 0.126, 0.144, 0.162, 0.315),
    ),
    (False, 0): _rows(
        (0.0, 0.03, -0.02, 0.0, 0.01, 0.01, -0.01, -0.03, -0.06, -0.12, -0.08),
        (0.50, 0.45, 0.38, 0.30, 0.25, 0.22, 0.20, 0.20, 0.22, 0.28, 0.35),
        (0.80, 0.70, 0.50, 0.35, 0.28, 0.22, 0.20, 0.20, 0.20, 0.22, 0.30),
    ),
    (False, 1): _rows(
        _BED_WARM,
        (0.18, 0.162, 0.144, 0.126, 0.126, 0.126, 0.135, 0.144, 0.162, 0.198, 0.27),
        (0.18, 0.18, 0.162, 0.153, 0.153, 0.162, 0.18, 0.198, 0.198, 0.216, 0.27),
    ),
    (False, 2): _rows(
        _BED_WARM,
        (0.081, 0.081, 0.09, 0.09, 0.099, 0.108, 0.126, 0.144, 0.18, 0.252, 0.315),
        (0.081, 0.081, 0.09, 0.099, 0.108, 0.126, 0.153, 0.162, 0.18, 0.225, 0.315),
    ),
}
#: seconds added to what remains before shares are taken
EXTRA = {True: 2.0, False: 4.0}

_USUAL = 0.62  # mean of |error| / half-width where four of five lie inside
_DOUBT = 2.0  # heat-ups that the population's width counts as
_NARROWEST, _WIDEST = 0.4, 2.5
KEPT = 12


def row(hot: bool, known: int, at: float) -> Row:
    """Interpolated between the places."""
    table = TABLES[(hot, 0 if known == 0 else 1 if known < 3 else 2)]
    i = min(int(at), len(WAY) - 1)
    j = min(i + 1, len(WAY) - 1)
    f = min(1.0, max(0.0, at - i))
    a, b = table[i], table[j]
    return (
        a[0] + f * (b[0] - a[0]),
        a[1] + f * (b[1] - a[1]),
        a[2] + f * (b[2] - a[2]),
    )


def scale(misses: Sequence[float]) -> float:
    """By what the population's width is multiplied, given this heater's own |error| / width."""
    total = _DOUBT * _USUAL + sum(min(m, 4.0 * _USUAL) for m in misses)
    return min(_WIDEST, max(_NARROWEST, total / (_DOUBT + len(misses)) / _USUAL))


def miss(notes: Sequence[tuple[float, float, float]], end: float) -> Optional[float]:
    """Mean |error| / half-width of noted (finish, lower, upper) once the end is known."""
    values = []
    for finish, lower, upper in notes:
        error = end - finish
        width = upper if error > 0.0 else lower
        values.append(min(4.0, abs(error) / max(width, 0.5)))
    return sum(values) / len(values) if values else None


Votes = list[tuple[float, float]]  # (value, weight)


def quantile(votes: Votes, q: float) -> float:
    """Weighted quantile, linear between the middles of the weights."""
    ordered = sorted(votes)
    goal = q * sum(w for _, w in ordered)
    below = 0.0
    previous: Optional[tuple[float, float]] = None
    for value, weight in ordered:
        middle = below + 0.5 * weight
        if middle >= goal:
            if previous is None or middle <= previous[1]:
                return value
            share = (goal - previous[1]) / (middle - previous[1])
            return previous[0] + (value - previous[0]) * share
        previous = (value, middle)
        below += weight
    return ordered[-1][0]
