# When a print will be finished: the printer's own figure, corrected by what it really took before
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Pure. A correction is used only while, on the jobs of the past, it did better than none.

Learned is the ratio of what a remaining time turned out to be to what the printer had promised, per
printer and material, as a weighted median: one interrupted filament change does not spoil it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

ENOUGH = 4  # samples before a correction is considered
NEWEST = 80  # samples that count
OTHER = 0.35  # weight of another material's sample
PRIOR = 2.0  # weight of "the printer is right"
BEST = 0.02  # the interval is never narrower, on either side
WIDEST = 4.0
UNLEARNED = (0.85, 1.35)  # interval around a printer's own figure of which nothing is known
SMALL = 0.35  # a correction this small beside the scatter gains nothing
GAIN = 0.9  # a correction has to beat the printer's own error by this factor in the past


@dataclass(frozen=True)
class FinishSample:
    """Seconds, pauses left out."""

    material: str
    promised: float
    actual: float


@dataclass(frozen=True)
class Correction:
    """Multiply the printer's remaining time; ``low`` to ``high`` holds 80 % of the past."""

    ratio: float = 1.0
    low: float = UNLEARNED[0]
    high: float = UNLEARNED[1]
    samples: int = 0


@dataclass(frozen=True)
class Finish:
    """Seconds from now."""

    left: float
    low: float
    high: float
    corrected: bool

    def at(self, now: float) -> dict[str, float]:
        """As Unix times."""
        return {"finish": now + self.left, "low": now + self.low, "high": now + self.high}


def learn(samples: Sequence[FinishSample], material: str = "") -> Correction:
    """``samples`` newest first."""
    ratios: list[tuple[float, float]] = []
    for place, sample in enumerate(samples[:NEWEST]):
        if sample.promised >= 60.0 and sample.actual > 0.0:
            ratio = math.log(min(max(sample.actual / sample.promised, 1 / WIDEST), WIDEST))
            weight = 1.0 if sample.material == material else OTHER
            ratios.append((ratio, weight * 0.97**place))
    if len(ratios) < ENOUGH:
        return Correction(samples=len(ratios))
    centre = _quantile([*ratios, (0.0, PRIOR)], 0.5)
    # three standard errors of a median, from the median deviation: less may be chance
    own = _quantile([(_share(0.0, ratio), weight) for ratio, weight in ratios], 0.5)
    spread = _quantile([(abs(ratio - centre), weight) for ratio, weight in ratios], 0.5)
    doubt = 3.0 * 1.86 * spread / math.sqrt(sum(weight for _, weight in ratios))
    if abs(centre) < max(doubt, SMALL * spread) or _out_of_sample(ratios) > GAIN * own:
        centre = 0.0
    low, high = _quantile(ratios, 0.1), _quantile(ratios, 0.9)
    return Correction(
        ratio=math.exp(centre),
        low=math.exp(min(low, centre - BEST)),
        high=math.exp(max(high, centre + BEST)),
        samples=len(ratios),
    )


def _out_of_sample(ratios: Sequence[tuple[float, float]]) -> float:
    """The median error of the correction on each sample, learned from the older ones only."""
    errors = []
    for place, (ratio, weight) in enumerate(ratios):
        older = ratios[place + 1 :]
        guess = _quantile([*older, (0.0, PRIOR)], 0.5) if len(older) >= ENOUGH - 1 else 0.0
        errors.append((_share(guess, ratio), weight))
    return _quantile(errors, 0.5)


def _share(guess: float, truth: float) -> float:
    """The error as a share of what it took, from two logarithms."""
    return abs(1.0 - math.exp(guess - truth))


def _quantile(values: Sequence[tuple[float, float]], share: float) -> float:
    """Weighted."""
    ordered = sorted(values)
    bound = share * sum(weight for _, weight in ordered)
    total = 0.0
    for value, weight in ordered:
        total += weight
        if total >= bound:
            return value
    return ordered[-1][0]


UNCORRECTED = Correction()


def predict(
    time_left: Optional[float],
    correction: Correction = UNCORRECTED,
    heating: Optional[float] = None,
) -> Optional[Finish]:
    """None when the printer does not say how long. ``heating``: seconds until it can begin."""
    if time_left is None or not math.isfinite(time_left) or time_left < 0.0:
        return None
    wait = heating if heating is not None and math.isfinite(heating) and heating > 0.0 else 0.0
    return Finish(
        left=wait + time_left * correction.ratio,
        low=wait + time_left * correction.low,
        high=wait + time_left * correction.high,
        corrected=correction.ratio != 1.0,
    )
