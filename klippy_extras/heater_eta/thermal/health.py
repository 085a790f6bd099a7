# Has this heater become weaker than it was?
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Compares every heat-up with what the heater could do when it was new to us.

The measure is the share of its former power with which the model would have taken as long as the
heater really took. Quiet by construction: a warning needs a history, several weak heat-ups in a
row, and a loss well outside of what this heater's heat-ups vary anyway.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Optional

from .greybox import GreyBox
from .predictive import Mind
from .simulate import run
from .traits import Traits, Vector
from .types import HeaterKind, HeaterSpec

KEPT = 24
#: weak heat-ups in a row that make a warning, how weak on the average, by how many deviations of
#: such an average, and the heat-ups that must have been seen before
_RULES = ((2, 0.11, 5.0, 6), (3, 0.08, 4.0, 3))
_SWING = {HeaterKind.HOTEND: 60.0, HeaterKind.BED: 20.0, HeaterKind.CHAMBER: 15.0}


def strength(
    spec: HeaterSpec,
    traits: Traits,
    reference: Vector,
    temps: tuple[float, float, float],
    ambient: float,
    integral: float,
    target: float,
    took: float,
    mind: Optional[Mind] = None,
) -> Generator[None, None, Optional[float]]:
    """The factor on the reference's power that explains the time taken; None: says nothing."""
    if target - temps[2] < _SWING.get(spec.kind, 20.0) or temps[2] > ambient + 25.0:
        return None
    grey = GreyBox(spec, reference, traits.prior_sd)
    grey.ambient = ambient
    grey.integral = integral
    grey.mind = mind
    controller = grey.controller(traits.lag)
    a, b, k1, k2, tau = grey.filter.plain
    low, high = 0.4, 2.0
    for _ in range(9):
        middle = (low * high) ** 0.5
        course = run(temps, (a * middle, b, k1, k2, tau), ambient, target, controller, traits)
        yield
        if course is None or course.reached > took:
            low = middle
        else:
            high = middle
    return float((low * high) ** 0.5)


def verdict(name: str, strengths: Sequence[float]) -> Optional[str]:
    """One sentence when the last heat-ups were clearly weaker than the history."""
    for run_length, loss, sigmas, before in _RULES:
        if len(strengths) < before + run_length:
            continue
        found = _weakness(strengths, run_length, loss, sigmas)
        if found is not None:
            return _sentence(name, round(100.0 * found))
    return None


def _weakness(
    strengths: Sequence[float], run_length: int, loss: float, sigmas: float
) -> Optional[float]:
    """The share of power lost, if the last ``run_length`` heat-ups all say so."""
    recent, history = strengths[-run_length:], sorted(strengths[:-run_length])
    usual = _middle(history)
    spread = 1.48 * _middle(sorted(abs(s - usual) for s in history))
    mean = sum(recent) / run_length
    chance = spread * (1.0 / run_length + 1.0 / len(history)) ** 0.5
    weakest_of_old = history[len(history) // 10]
    if mean > usual * (1.0 - loss) - 0.5 * chance or usual - mean < sigmas * chance:
        return None
    if any(s >= 0.97 * weakest_of_old for s in recent):
        return None
    return 1.0 - mean / usual


def _sentence(name: str, loss: int) -> str:
    return (
        f"{name} heats with about {loss} % less power than it used to: "
        "check its cartridge, wiring, thermistor seat, sock and supply voltage."
    )


def _middle(ordered: Sequence[float]) -> float:
    n = len(ordered)
    return ordered[n // 2] if n % 2 else 0.5 * (ordered[n // 2 - 1] + ordered[n // 2])
