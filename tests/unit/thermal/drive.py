# Runs synthetic heaters through the tracker
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Helpers shared by the tests of the thermal model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Optional

from heater_eta.thermal.tracker import HeaterTracker
from heater_eta.thermal.types import Estimate, HeaterSpec, HeaterState, Sample

from .plant import Plant

Seen = list[tuple[Sample, Estimate]]


def drive(
    tracker: HeaterTracker,
    plant: Plant,
    seconds: float,
    every: float = 0.3,
    with_busy: bool = True,
) -> Seen:
    """The estimates of a stretch of time, one per sample; learning is done as it comes up."""
    seen: Seen = []
    for sample in plant.run(seconds, every, with_busy):
        tracker.update(sample)
        while tracker.work():
            pass
        seen.append((sample, tracker.estimate(sample.time)))
    return seen


def states(seen: Seen) -> list[HeaterState]:
    """The states in order, each once per stay."""
    result: list[HeaterState] = []
    for _, estimate in seen:
        if not result or result[-1] is not estimate.state:
            result.append(estimate.state)
    return result


@dataclass
class Run:
    """A heat-up: how long it took and how wrong the predictions were (mean, seconds)."""

    reached: float
    ready: float
    reached_error: float
    ready_error: float
    first: Optional[float]
    inside: float  # share of predictions whose interval held the truth


def judge(seen: Seen, target: float) -> Run:
    """Score the estimates of a heat-up that began with the first sample."""
    start = seen[0][0].time
    reached = next(s.time for s, _ in seen if s.temperature >= target - 0.5)
    ready = next(s.time for s, e in seen if e.ready)
    before = [(s, e) for s, e in seen if s.time < reached and e.eta_reached is not None]
    waiting = [(s, e) for s, e in seen if s.time < ready and e.eta is not None]
    inside = [e.eta_low - 0.5 <= ready - s.time <= e.eta_high + 0.5 for s, e in waiting]
    return Run(
        reached=reached - start,
        ready=ready - start,
        reached_error=sum(abs(s.time + e.eta_reached - reached) for s, e in before) / len(before),
        ready_error=sum(abs(s.time + e.eta - ready) for s, e in waiting) / len(waiting),
        first=seen[0][1].eta,
        inside=sum(inside) / len(inside),
    )


def heat(
    tracker: HeaterTracker,
    plant: Plant,
    target: float,
    seconds: float,
    every: float = 0.3,
    with_busy: bool = True,
) -> Run:
    drive(tracker, plant, 5.0, every, with_busy)
    plant.target = target
    return judge(drive(tracker, plant, seconds, every, with_busy), target)


def reborn(tracker: HeaterTracker, spec: Optional[HeaterSpec] = None) -> HeaterTracker:
    """The same heater after a restart of its host: through JSON and back."""
    return HeaterTracker(spec or tracker.spec, json.loads(json.dumps(tracker.to_dict())))
