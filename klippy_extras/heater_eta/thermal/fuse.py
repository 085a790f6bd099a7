# The simulation's word, corrected by this heater's past
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Joins a simulated course with what earlier heat-ups of this heater say about it.

*Reached* is corrected by the errors that earlier predictions made at the same place of the way.
*Ready* is reached plus a settle tail. The tail is bimodal: the first crossing either is slow
enough for M109 to return, or an overshoot has to come back. Earlier tails vote, and so does the
simulation; the interval spans both ways out while both are open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from .interval import EXTRA, Votes, quantile, row, scale
from .memory import Memory
from .residual import WAY, similar, value_at
from .simulate import Course
from .traits import Traits

_FADE = 0.85  # weight of a heat-up against the one after it
_ALIKE = 20.0  # C: how similar start and target must be to count fully
_ANYHOW = 0.2  # what any heat-up of this heater counts
_ALLOWED = 2.0  # heat-ups' worth of disagreement that is assumed of any heater
_SIM_FAR, _SIM_NEAR, _SIM_AFTER = 0.35, 1.0, 2.0  # the simulation's vote on the tail, ...
_USUAL_MISS, _HALF_HEATUP = 6.0, 0.5  # ... weighed by its misses here; taken until it has any: s
_GOOD_MISS = 4.0  # s: better than that is a heater whose tails can be simulated
_MOST_TRUST, _MOST_AFTER = 4.0, 2.0  # factor on the vote where it never missed
_EDGE = 0.06  # quantile of the votes at which the interval ends
_LEAST = 0.15  # of the tail, once it runs
_BETWEEN = 0.8  # s: the target is reached some time between two readings
_BED_READY = 0.9  # a bed's two estimates of "ready" are better together than each alone
_UNSETTLED = 0.3  # factor on it where the simulation went on swinging
#: tails that hotends in general have, so that few own tails do not look like certainty
_USUAL_TAILS: Votes = [(2.0, 0.24), (15.0, 0.16), (28.0, 0.24), (36.0, 0.16)]


@dataclass
class Forecast:
    """Seconds from now; the bounds are distances below and above."""

    reached: float
    reached_less: float
    reached_more: float
    ready: float
    ready_less: float
    ready_more: float


def fuse(
    course: Course,
    memory: Memory,
    traits: Traits,
    hot: bool,
    start: float,
    target: float,
    elapsed: float,
    at: float,
    since_reached: Optional[float],
) -> Forecast:
    weights = _weights(memory, start, target)
    doubt = traits.doubt
    if since_reached is None:
        reached, less, more = _reached(course, memory, hot, elapsed, at, weights, doubt)
    else:
        reached = less = more = 0.0
    votes = _tails(course, memory, hot, at, since_reached, weights)
    tail = quantile(votes, 0.5)
    if hot:  # the usual tails of others widen the interval, they do not move the prediction
        gone = since_reached or 0.0
        votes += [(t - gone, w) for t, w in _USUAL_TAILS if since_reached is None or t > gone + 0.5]
    ready = reached + tail
    if not hot and course.settled:
        ready = 0.5 * (ready + _direct(course, memory, elapsed, at, weights, doubt))
    width = scale(memory.ready_misses)
    below = max(0.0, tail - quantile(votes, _EDGE)) * width
    above = max(0.0, quantile(votes, 1.0 - _EDGE) - tail) * width
    if since_reached is not None:
        below, above = max(below, _LEAST * tail), max(above, _LEAST * tail)
    ready = max(0.0, ready)
    below, above = _joint(less, below), _joint(more, above)
    if not hot:
        below, above = _BED_READY * below, _BED_READY * above
    return Forecast(reached, less, more, ready, min(ready, below), 0.5 + above)


def _joint(a: float, b: float) -> float:
    return float((a * a + b * b) ** 0.5)


def _weights(memory: Memory, start: float, target: float) -> list[float]:
    """How much each remembered heat-up has to say about this one."""
    count = len(memory.pasts)
    return [
        _FADE ** (count - 1 - i) * (_ANYHOW + (1.0 - _ANYHOW) * similar(p, start, target, _ALIKE))
        for i, p in enumerate(memory.pasts)
    ]


def _reached(
    course: Course,
    memory: Memory,
    hot: bool,
    elapsed: float,
    at: float,
    weights: list[float],
    doubt: float,
) -> tuple[float, float, float]:
    offset, low, high = row(hot, memory.heats, at)
    left = course.reached + EXTRA[hot]
    errors: Votes = []
    for past, w in zip(memory.pasts, weights):
        error = value_at(past.reached, at)
        if error is not None:
            stretch = _stretch(elapsed + course.reached, past.duration - error)
            errors.append((error * stretch, w))
    usual = 0.5 * (low + high) * left
    reached = max(0.0, course.reached + _shrunk(errors, offset * left, usual, doubt))
    width = scale(memory.reached_misses) * (reached + EXTRA[hot])
    below, above = _joint(low * width, _BETWEEN), _joint(high * width, _BETWEEN)
    return reached, min(reached, below), above


def _direct(
    course: Course,
    memory: Memory,
    elapsed: float,
    at: float,
    weights: list[float],
    doubt: float,
) -> float:
    """Beds: the simulated "ready", corrected in the same way as "reached"."""
    errors: Votes = []
    for past, w in zip(memory.pasts, weights):
        error = value_at(past.ready, at)
        if error is not None:
            predicted = past.duration + past.tail - error
            errors.append((error * _stretch(elapsed + course.ready, predicted), w))
    _, low, high = row(False, memory.heats, at)
    usual = 0.5 * (low + high) * (course.ready + EXTRA[False])
    return course.ready + _shrunk(errors, 0.0, usual, doubt)


def _shrunk(errors: Votes, usual_error: float, usual_size: float, doubt: float) -> float:
    """The mean of this heater's errors, drawn towards what is usual for all heaters.

    The better they agree among themselves, the less the usual has to say (``doubt`` is its weight,
    in heat-ups).
    """
    weight = sum(w for _, w in errors)
    if weight <= 0.0:
        return usual_error
    mean = sum(e * w for e, w in errors) / weight
    variance = sum((e - mean) ** 2 * w for e, w in errors)
    size = max(usual_size, 1.0) ** 2
    doubt *= min(2.0, (variance + _ALLOWED * size) / ((weight + _ALLOWED) * size))
    return (weight * mean + doubt * usual_error) / (weight + doubt)


def _stretch(duration: float, known: float) -> float:
    """An error of a longer heat-up is larger, though not in proportion."""
    return float(min(2.0, max(0.5, (duration / max(known, 5.0)) ** 0.5)))


def _tails(
    course: Course,
    memory: Memory,
    hot: bool,
    at: float,
    since_reached: Optional[float],
    weights: list[float],
) -> Votes:
    """Seconds from reached (or, once reached, from now) to ready, as weighted opinions."""
    gone = since_reached or 0.0
    votes: Votes = []
    missed, known = _USUAL_MISS * _HALF_HEATUP, _HALF_HEATUP
    for past, w in zip(memory.pasts, weights):
        left = past.tail - gone
        if since_reached is None or left > 0.5:
            votes.append((left, w))
        ready = value_at(past.ready, at)
        reached = value_at(past.reached, at) if since_reached is None else 0.0
        if ready is not None and reached is not None:
            missed += w * abs(ready - reached)
            known += w
    if since_reached is None:
        near = min(1.0, max(0.0, (at - (len(WAY) - 3)) / 2.0))
        weight = _SIM_FAR + (_SIM_NEAR - _SIM_FAR) * near
        simulated = course.ready - course.reached
    else:
        weight, simulated = _SIM_AFTER, course.ready
    if hot and known > _HALF_HEATUP:
        most = _MOST_TRUST if since_reached is None else _MOST_AFTER
        weight *= most / (1.0 + (missed / known / _GOOD_MISS) ** 2)
    votes.append((simulated, weight if course.settled else weight * _UNSETTLED))
    return votes
