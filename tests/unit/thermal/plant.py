# A synthetic heater with Klipper's controller, for tests and benches
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Two masses, sensor lag, dead time, noise and rounding; seeded, so that every run is the same."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Optional

from heater_eta.thermal.types import HeaterKind, HeaterSpec, Sample


@dataclass(frozen=True)
class PlantSpec:
    """a C/s at full power, loss b 1/s, exchange k1 and k2 1/s, lag tau s, controller gains."""

    a: float = 4.5
    b: float = 1 / 165.0
    k1: float = 1 / 210.0
    k2: float = 1 / 60.0
    tau: float = 4.0
    dead: float = 0.5
    gains: tuple[float, float, float] = (0.09, 0.0055, 0.37)
    max_power: float = 1.0
    watermark: Optional[float] = None
    predictive: bool = False  # Kalico's MPC, which knows its plant except for the inner mass
    noise: float = 0.05


HOTEND = PlantSpec()
THIN_BED = PlantSpec(0.6, 1 / 600.0, 1 / 300.0, 1 / 150.0, 4.0, 0.5, (0.27, 0.006, 3.2))
THICK_BED = PlantSpec(0.9, 1 / 200.0, 1 / 40.0, 1 / 125.0, 4.0, 0.5, (0.25, 0.004, 3.5))


def heater_spec(plant: PlantSpec, kind: HeaterKind = HeaterKind.HOTEND) -> HeaterSpec:
    control = "mpc" if plant.predictive else "pid" if plant.watermark is None else "watermark"
    return HeaterSpec(
        name="extruder" if kind is HeaterKind.HOTEND else "heater_bed",
        kind=kind,
        control=control,
        gains=plant.gains if control == "pid" else None,
        max_power=plant.max_power,
        max_delta=plant.watermark if plant.watermark is not None else 2.0,
    )


class Plant:
    """``step()`` advances 0.3 s, as often as Klipper reads a thermistor."""

    PERIOD = 0.3

    def __init__(self, spec: PlantSpec, seed: int = 1, temp: float = 23.0, ambient: float = 23.0):
        self.spec = spec
        self.ambient = ambient
        self.t1 = self.t2 = self.ts = temp
        self.time = 0.0
        self.target = 0.0
        self.power = 0.0
        self.loss = 1.0  # factor on b: a fan
        self.strength = 1.0  # factor on a: an ageing cartridge
        self._random = random.Random(seed)
        self._queue: deque[float] = deque([0.0] * max(1, round(spec.dead / self.PERIOD)))
        self._integral = 0.0  # in power
        self._slope = 0.0
        self._last = self.smoothed = self.shown = temp
        self._hysteresis = False
        self._mpc = (temp, temp)
        self._mpc_ambient = ambient
        self._sent = 0.0

    def step(self) -> None:
        acting = self._queue.popleft() * self.strength
        spec, h = self.spec, self.PERIOD / 3
        for _ in range(3):
            flow = self.t1 - self.t2
            loss = spec.b * self.loss * (self.t1 - self.ambient)
            self.t1 += h * (spec.a * acting - loss - spec.k1 * flow)
            self.t2 += h * spec.k2 * flow
            self.ts += h * (self.t1 - self.ts) / spec.tau
        self.time += self.PERIOD
        self.shown = self.ts + self._random.gauss(0.0, spec.noise)
        self._control()
        self._queue.append(self.power)

    def _control(self) -> None:
        spec, top = self.spec, self.spec.max_power
        change = self.shown - self._last
        self._slope += min(1.0, self.PERIOD) * (change / self.PERIOD - self._slope)
        self.smoothed += self.PERIOD * (self.shown - self.smoothed)
        self._last = self.shown
        if self.target <= 0.0:
            self.power = 0.0
            return
        error = self.target - self.shown
        if spec.watermark is not None:
            if self._hysteresis and self.shown >= self.target + spec.watermark:
                self._hysteresis = False
            elif not self._hysteresis and self.shown <= self.target - spec.watermark:
                self._hysteresis = True
            self.power = top if self._hysteresis else 0.0
            return
        if spec.predictive:
            self._predict()
            return
        kp, ki, kd = spec.gains
        integral = min(top, max(0.0, self._integral + ki * error * self.PERIOD))
        wish = kp * error + integral - kd * self._slope
        self.power = min(top, max(0.0, wish))
        if self.power == wish:
            self._integral = integral

    def _predict(self) -> None:
        """The gist of Kalico's control_mpc: simulate, correct, aim at the target in 2 s."""
        spec, h = self.spec, self.PERIOD
        block, sensor = self._mpc
        block += h * (spec.a * self._sent - spec.b * (block - self._mpc_ambient))
        sensor += h * (block - sensor) / spec.tau
        correction = (self.shown - sensor) * (1.0 - 0.17**h)
        self._mpc = block + correction, sensor + correction
        if 0.0 < self._sent < spec.max_power:
            self._mpc_ambient += max(correction, h) if correction > 0 else min(correction, -h)
        wish = (self.target - self._mpc[0]) / 2.0 + spec.b * (self._mpc[0] - self._mpc_ambient)
        self.power = self._sent = min(spec.max_power, max(0.0, wish / spec.a))

    @property
    def busy(self) -> bool:
        """Klipper's check_busy."""
        if self.spec.watermark is not None:
            return self.shown < self.target - self.spec.watermark
        if self.spec.predictive:
            return abs(self.target - self.smoothed) > 1.0
        return abs(self.target - self.smoothed) > 1.0 or abs(self._slope) > 0.1

    def sample(self, with_busy: bool = True) -> Sample:
        busy = self.busy if with_busy and self.target > 0.0 else None
        return Sample(self.time, self.shown, self.target, self.power, busy)

    def run(self, seconds: float, every: float = 0.3, with_busy: bool = True) -> Iterator[Sample]:
        """Samples for ``seconds``, one per ``every`` seconds."""
        end, due = self.time + seconds, self.time
        while self.time < end:
            self.step()
            if self.time >= due:
                due += every
                yield self.sample(with_busy)

    def soak(self, temp: float) -> None:
        """Everything at one temperature, as after holding it for long."""
        self.t1 = self.t2 = self.ts = self._last = self.smoothed = self.shown = temp
