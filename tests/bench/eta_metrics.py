# Medians in which every printer counts once
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""From scores of episodes to the figures of the table."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any, Optional

from .eta_replay import Score

FIELDS = ("mae", "share", "ape25", "jitter", "coverage", "width", "first")


def quantile(pairs: Sequence[tuple[float, float]], q: float) -> Optional[float]:
    """Weighted quantile of (value, weight)."""
    if not pairs:
        return None
    ordered = sorted(pairs)
    total = sum(w for _, w in ordered)
    below = 0.0
    for value, weight in ordered:
        below += weight
        if below >= q * total - 1e-12:
            return value
    return ordered[-1][0]


def weighted(scores: Sequence[Score], field: str) -> list[tuple[float, float]]:
    kept = [s for s in scores if getattr(s, field) is not None]
    per = Counter(s.printer for s in kept)
    return [(getattr(s, field), 1.0 / per[s.printer]) for s in kept]


def mean(pairs: Sequence[tuple[float, float]]) -> Optional[float]:
    total = sum(w for _, w in pairs)
    return sum(v * w for v, w in pairs) / total if total else None


def bootstrap(scores: Sequence[Score], field: str, q: float, rounds: int = 200) -> list[float]:
    """95 % interval of a quantile when the printers had been other ones."""
    by: dict[str, list[Score]] = {}
    for s in scores:
        if getattr(s, field) is not None:
            by.setdefault(s.printer, []).append(s)
    names = sorted(by)
    if len(names) < 3:
        return []
    chance = random.Random(4711)
    found = []
    for _ in range(rounds):
        pairs: list[tuple[float, float]] = []
        for name in chance.choices(names, k=len(names)):
            pairs += [(getattr(s, field), 1.0 / len(by[name])) for s in by[name]]
        value = quantile(pairs, q)
        assert value is not None
        found.append(value)
    found.sort()
    return [found[int(0.025 * rounds)], found[int(0.975 * rounds) - 1]]


def summary(scores: Sequence[Score]) -> dict[str, Any]:
    """The JSON shape of one cell."""

    def mid(field: str, q: float = 0.5) -> Optional[float]:
        return quantile(weighted(scores, field), q)

    return {
        "n": len(scores),
        "printers": len({s.printer for s in scores}),
        "mae_s": mid("mae"),
        "mae_s_p90": mid("mae", 0.9),
        "share": mid("share"),
        "share_ci": bootstrap(scores, "share", 0.5),
        "share_p90": mid("share", 0.9),
        "share_p90_ci": bootstrap(scores, "share", 0.9),
        "ape25": mid("ape25"),
        "ape25_p90": mid("ape25", 0.9),
        "jitter_s": mid("jitter"),
        "coverage80": mean(weighted(scores, "coverage")),
        "width": mid("width"),
        "first_s": mid("first"),
    }


def select(scores: Sequence[Score], mode: str, group: str, event: str, history: str) -> list[Score]:
    """``history``: cold, warm (>= 1 earlier), warm3 (>= 3), any."""
    least, most = {"cold": (0, 0), "warm": (1, 10**9), "warm3": (3, 10**9), "any": (0, 10**9)}[
        history
    ]
    return [
        s
        for s in scores
        if s.mode == mode and s.group == group and s.event == event and least <= s.earlier <= most
    ]
