# What hotends, beds and chambers are like before anything was learned
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Priors, tolerances and step sizes per kind of heater. Temperatures in C, times in seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Optional

from .types import HeaterKind, HeaterSpec

Vector = tuple[float, float, float, float, float]
Gains = tuple[float, float, float]

#: below this distance to the target a heater counts as "reached"
REACHED_DELTA = 0.5
#: Klipper's PID_SETTLE_DELTA and PID_SETTLE_SLOPE: when M109 and M190 return
SETTLE_DELTA = 1.0
SETTLE_SLOPE = 0.1
#: what a room has when nothing better is known
ROOM = 23.0

#: bounds of ln a, ln b, ln k1, ln k2, ln tau: outside no printer heater exists
LOW: Vector = (-4.5, -9.5, -9.0, -8.5, -0.7)
HIGH: Vector = (3.2, -2.8, -2.0, -2.0, 3.7)


@dataclass(frozen=True)
class Traits:
    """One kind of heater. Parameter vectors are ln a, ln b, ln k1, ln k2, ln tau (see model)."""

    prior: Vector
    prior_sd: Vector
    drift: tuple[float, ...]  # process noise per sqrt(s): T1, T2, Ts, then the parameters
    noise: float  # measurement, larger than the sensor's own: it also pays for model mismatch
    gains: Gains  # a controller whose gains are not known
    step: float  # of the regulated part of the simulation
    patience: float  # simulated seconds after "reached" in which the heater must settle
    longest_tail: float  # s from reached to ready that the simulation is believed
    knee: float  # distance to the target where power begins to fall
    bin_width: float  # of the template
    full_power_band: float  # without a power signal: full power further away than this
    cool_threshold: float
    cool_prior: Vector  # without power, with whatever fan blows
    cool_sd: Vector
    cool_inner: tuple[float, float]  # how much nearer to the room the inner mass is, sd in C
    lag: float  # seconds between a power reading and its effect on the block
    doubt: float = 1.0  # weight, in heat-ups, of the population's error against this heater's own
    loose: float = 1.0  # factor on how far the next heat-up may be from what was learned


_HOTEND = Traits(
    prior=(1.55, -5.1, -5.4, -3.9, 1.6),
    prior_sd=(0.44, 0.43, 0.98, 0.98, 0.85),
    drift=(0.1, 0.02, 0.05, 0.005, 0.002, 0.002, 0.002, 0.003),
    noise=1.0,
    gains=(0.09, 0.005, 0.36),
    step=0.5,
    patience=60.0,
    longest_tail=60.0,
    knee=15.0,
    bin_width=5.0,
    full_power_band=12.0,
    cool_threshold=50.0,
    cool_prior=(1.50, -4.7, -6.0, -3.8, 1.7),
    cool_sd=(0.01, 0.4, 0.65, 0.3, 0.6),
    cool_inner=(0.15, 12.0),
    lag=1.0,
)
_BED = Traits(
    prior=(-0.75, -6.65, -5.5, -4.85, 1.2),
    prior_sd=(0.55, 0.6, 0.57, 0.73, 0.61),
    drift=(0.02, 0.01, 0.01, 0.002, 0.001, 0.001, 0.001, 0.002),
    noise=0.5,
    gains=(0.25, 0.005, 3.0),
    step=1.0,
    patience=60.0,
    longest_tail=5.0,
    knee=8.0,
    bin_width=2.0,
    full_power_band=6.0,
    cool_threshold=40.0,
    cool_prior=(-0.89, -6.1, -5.35, -4.75, 1.1),
    cool_sd=(0.01, 0.3, 0.75, 0.85, 0.65),
    cool_inner=(0.45, 18.0),
    lag=1.0,
)
#: a bed that tells no power: what is seen of it moves the parameters hither and thither, and is
#: better believed where it repeats itself from heat-up to heat-up
_BLIND_BED = replace(_BED, doubt=0.25, loose=0.25)
TRAITS = {HeaterKind.HOTEND: _HOTEND, HeaterKind.BED: _BED, HeaterKind.CHAMBER: _BED}


def traits_of(spec: HeaterSpec) -> Traits:
    traits = TRAITS.get(spec.kind, _BED)
    return _BLIND_BED if traits is _BED and not spec.has_power else traits


def usable_gains(spec: HeaterSpec) -> Optional[Gains]:
    """The PID gains, if they are there and make sense."""
    gains = spec.gains
    try:
        if gains is None or len(gains) != 3:
            return None
        kp, ki, kd = (float(g) for g in gains)
    except (TypeError, ValueError):
        return None
    if not all(math.isfinite(g) and g >= 0.0 for g in (kp, ki, kd)) or kp <= 0.0:
        return None
    return kp, ki, kd


def prior_of(spec: HeaterSpec) -> tuple[Vector, Vector]:
    """Mean and sd of the parameters of a heater never seen heating.

    PID_CALIBRATE derives the gains from the heater's own oscillation; its rule run backwards
    tells how fast the heater is.
    """
    traits = traits_of(spec)
    mean, sd = list(traits.prior), list(traits.prior_sd)
    gains = usable_gains(spec)
    if gains is not None and gains[1] > 0.0:
        period = 2.0 * gains[0] / gains[1]
        gain = math.log(2.0 * math.pi * 0.6 / (period * gains[0]))
        if spec.kind is HeaterKind.HOTEND:
            mean[0], sd[0] = 1.30 + 0.79 * gain, 0.30
            mean[4] = min(2.6, max(0.3, -4.09 + 1.58 * math.log(period)))
        else:
            mean[0], sd[0] = 0.05 + 0.37 * gain, 0.45
    return clamp_vector(mean), (sd[0], sd[1], sd[2], sd[3], sd[4])


def clamp_vector(values: list[float]) -> Vector:
    a, b, k1, k2, tau = (min(h, max(lo, v)) for v, lo, h in zip(values, LOW, HIGH))
    return a, b, k1, k2, tau
