# What goes into the thermal model and what comes out
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Frozen data shared by both hosts. Degrees Celsius, seconds, power 0..1."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Callable, Optional


class HeaterKind(str, Enum):
    """Chooses priors, step sizes and tolerances; `CHAMBER` is a slow bed-like heater."""

    HOTEND = "hotend"
    BED = "bed"
    CHAMBER = "chamber"


class HeaterState(str, Enum):
    OFF = "off"
    HEATING = "heating"
    APPROACHING = "approaching"  # power has left saturation
    SETTLING = "settling"  # reached, M109/M190 would still wait
    READY = "ready"
    COOLING = "cooling"
    COOLED = "cooled"
    CALIBRATING = "calibrating"
    STALLED = "stalled"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"


#: states in which `eta` is None; in every other state it is a number
WITHOUT_ETA = frozenset(
    {
        HeaterState.UNKNOWN,
        HeaterState.UNREACHABLE,
        HeaterState.STALLED,
        HeaterState.CALIBRATING,
    }
)


@dataclass(frozen=True)
class Predictor:
    """The model inside Kalico's MPC, by which it decides; see ``predictive``."""

    gain: float  # C/s at full power: heater_power / block_heat_capacity
    loss: float  # 1/s: ambient_transfer / block_heat_capacity
    response: float  # 1/s: sensor_responsiveness
    reach_time: float = 2.0
    steady_rate: float = 0.5  # C/s below which it adapts its idea of the room ...
    ambient_step: float = 1.0  # ... by at least so much, C/s
    ambient: float = 25.0
    #: what it thinks now: block ahead of sensor, room; None when it cannot say
    live: Optional[Callable[[], Optional[tuple[float, float]]]] = field(default=None, compare=False)


@dataclass(frozen=True)
class HeaterSpec:
    """What is known of a heater beforehand. Gains are as klippy uses them (divided by 255)."""

    name: str  # "extruder", "heater_bed", "chamber"
    kind: HeaterKind
    control: Optional[str] = None  # pid, pid_v, dual_loop_pid, mpc, watermark; None: not known
    gains: Optional[tuple[float, float, float]] = None  # Kp, Ki, Kd
    max_power: float = 1.0
    smooth_time: float = 1.0
    max_delta: float = 2.0  # watermark
    min_temp: Optional[float] = None
    max_temp: Optional[float] = None
    sensor_type: Optional[str] = None
    has_power: bool = True  # False: bridged printers report no power
    predictor: Optional[Predictor] = None  # of control mpc


@dataclass(frozen=True)
class Sample:
    """One reading. ``time`` is any monotonic clock of the host, the same in every call.

    ``busy`` is the host's own word on "would M109/M190 still wait" (klippy's ``check_busy``);
    None where there is none, and the model judges by itself. ``integral`` is the controller's
    accumulated integral term (0..max_power) where it can be read.
    """

    time: float
    temperature: float
    target: float
    power: Optional[float] = None
    busy: Optional[bool] = None
    integral: Optional[float] = None
    calibrating: bool = False


@dataclass(frozen=True)
class Estimate:
    """A statement about one heater at one time. Seconds from that time unless said otherwise."""

    state: HeaterState
    heating: bool  # has a target that it has not settled at
    ready: bool
    eta: Optional[float]  # until M109/M190 would return; 0.0 when ready or without a target
    eta_reached: Optional[float]  # until target - 0.5 C
    eta_low: Optional[float]  # 80 % interval of `eta`
    eta_high: Optional[float]
    progress: Optional[float]  # 0..1 of this heat-up
    rate: Optional[float]  # degrees per second, measured
    learned: int  # heat-ups this estimate rests on
    finish_time: Optional[float]  # `eta` on the host's clock
    cooldown_eta: Optional[float]  # until the heater's cool threshold, while cooling
    health: Optional[str] = None  # one sentence when the heater has become weaker than it was
    reached_low: Optional[float] = None  # 80 % interval of `eta_reached`
    reached_high: Optional[float] = None


UNKNOWN_ESTIMATE = Estimate(
    HeaterState.UNKNOWN, False, False, None, None, None, None, None, None, 0, None, None
)
