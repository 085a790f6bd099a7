# Turns a finished heat-up into knowledge, a slice at a time
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Fits the model to the episode, then replays it with what is now known and notes what that
prediction would still have got wrong: those errors correct and bound the next predictions."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Optional

from .estimator import Estimator, EstimatorFactory
from .fit import Trace, fit
from .greybox import GreyBox
from .health import strength
from .interval import miss
from .memory import Memory
from .predictive import Mind
from .residual import Past, Recorder, place
from .traits import Vector, prior_of, traits_of
from .types import HeaterSpec

_LATER: Vector = (0.1, 0.2, 0.3, 0.3, 0.2)  # how far a heater may be from what was learned
_WORST_RMS = 3.0
_NEW = 2  # fits after which the heater is known well enough to be a reference
_STEPS = 16  # of the filter in one slice
Note = tuple[float, float, float]


@dataclass
class Lesson:
    """A heat-up as it is recorded."""

    start: float
    target: float
    since: float  # the host's time of the start
    integral: float
    trace: Trace
    mind: Optional[Mind] = None  # what an MPC controller thought then
    reached: Optional[float] = None  # seconds since the start
    ready: Optional[float] = None
    said_reached: list[Note] = field(default_factory=list)  # finish, lower, upper, as published
    said_ready: list[Note] = field(default_factory=list)


def study(
    lesson: Lesson, memory: Memory, spec: HeaterSpec, make: Optional[EstimatorFactory] = None
) -> Generator[None, None, None]:
    """Learn from a heat-up that came to its end."""
    if lesson.reached is None or lesson.ready is None:
        return
    memory.take_miss(memory.reached_misses, miss(lesson.said_reached, lesson.reached))
    memory.take_miss(memory.ready_misses, miss(lesson.said_ready, lesson.ready))
    yield from _weigh(lesson, memory, spec)
    prior, sd = prior_of(spec)
    if memory.params is not None:
        prior, sd = memory.params, _LATER
    found = yield from fit(lesson.trace, prior, sd)
    if found is not None and found.rms <= _WORST_RMS:
        memory.take_fit(found.params, found.rms)
        if memory.reference is None and memory.fits >= _NEW:
            memory.reference = memory.params
    past = yield from replay(lesson, memory, spec, make)
    if past is not None:
        memory.take_past(past)


def _weigh(lesson: Lesson, memory: Memory, spec: HeaterSpec) -> Generator[None, None, None]:
    """How strong was the heater, against its own youth?"""
    if memory.reference is None or lesson.reached is None or not spec.has_power:
        return
    trace = lesson.trace
    found = yield from strength(
        spec,
        traits_of(spec),
        memory.reference,
        trace.temps,
        trace.ambient,
        lesson.integral,
        lesson.target,
        lesson.reached,
        lesson.mind,
    )
    if found is not None:
        memory.take_strength(found)


def _known(lesson: Lesson, memory: Memory, spec: HeaterSpec) -> Estimator:
    """The model of this heater at the start of the lesson, as it is known now."""
    params, sd = prior_of(spec)
    if memory.params is not None:
        params, sd = memory.params, memory.spread(traits_of(spec).loose)
    grey = GreyBox(spec, params, sd)
    grey.resume(lesson.trace.temps, lesson.trace.ambient, lesson.trace.start_sd)
    grey.integral = lesson.integral
    grey.mind = None if lesson.mind is None else lesson.mind.copy()
    return grey


def replay(
    lesson: Lesson, memory: Memory, spec: HeaterSpec, make: Optional[EstimatorFactory] = None
) -> Generator[None, None, Optional[Past]]:
    """The errors of the predictions that would have been made had the heater been known."""
    reached, ready, trace = lesson.reached, lesson.ready, lesson.trace
    if reached is None or ready is None:
        return None
    estimator = _known(lesson, memory, spec) if make is None else make(spec, trace.ambient)
    recorder = Recorder()
    last = -1
    steps = 0
    for time, shown, acting, power in trace.points:
        t = time - lesson.since
        estimator.follow(time, shown, acting, power, lesson.target)
        steps += 1
        if steps >= _STEPS:
            steps = 0
            yield
        at = place(t, max(0.0, reached - t), t - reached if t >= reached else None)
        if int(at) == last:
            continue
        course = estimator.forecast(lesson.target, 0.0)
        steps = 0
        yield
        if course is not None:
            last = int(at)
            recorder.note(at, t + course.reached, t + course.ready)
    return Past(
        round(lesson.start, 2),
        round(lesson.target, 2),
        round(reached, 2),
        round(ready - reached, 2),
        [None if v is None else round(reached - v, 2) for v in recorder.reached],
        [None if v is None else round(ready - v, 2) for v in recorder.ready],
    )
