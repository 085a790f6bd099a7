# Keeps nonsense out and makes one-second means of fast samples
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""What the hosts send, cleaned: wrong types, NaN, glitches, clocks running backwards end here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Optional

from .types import Sample

_LOWEST, _HIGHEST = -100.0, 1500.0
_GLITCH_SPEED = 25.0  # C/s: no heater does this, a loose wire does
_GLITCH_FREE = 6.0  # C, always allowed
_PATIENCE = 4  # samples in a row that insist are the truth after all
_PERIOD = 0.95


@dataclass
class Reading:
    """A sample that can be computed with."""

    time: float
    temperature: float
    target: float
    power: Optional[float]
    busy: Optional[bool]
    integral: Optional[float]
    calibrating: bool


def number(value: Any) -> Optional[float]:
    """``value`` as a finite float, or None."""
    if type(value) is float:
        return value if -1e15 < value < 1e15 else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        result = float(value)
    except OverflowError:
        return None
    return result if math.isfinite(result) and abs(result) < 1e15 else None


class Gate:
    """Decides which samples count."""

    def __init__(self) -> None:
        self.last: Optional[Reading] = None
        #: the last accepted sample came after a gap or a change of clock: no slope across it
        self.fresh = True
        self._odd = 0
        self._late = 0
        self._late_time = 0.0
        self.interval = 1.0

    def accept(self, sample: Sample) -> Optional[Reading]:
        try:
            return self._accept(sample)
        except (AttributeError, TypeError, ValueError, OverflowError):
            return None  # not a sample at all

    def _accept(self, sample: Sample) -> Optional[Reading]:
        time, temp = number(sample.time), number(sample.temperature)
        target = number(sample.target)
        if time is None or temp is None or not _LOWEST < temp < _HIGHEST:
            return None
        if target is None or target > _HIGHEST:
            return None
        last = self.last
        self.fresh = last is None
        if last is not None:
            dt = time - last.time
            if dt <= 0.0:
                if not self._new_clock(time):
                    return None
                self.fresh = True
            else:
                self._late = 0
                jump = abs(temp - last.temperature)
                if jump > _GLITCH_FREE + _GLITCH_SPEED * dt and self._odd < _PATIENCE:
                    self._odd += 1
                    return None
                if dt > 60.0 or jump > _GLITCH_FREE + _GLITCH_SPEED * dt:
                    self.fresh = True
                elif dt < 30.0:
                    self.interval += 0.1 * (dt - self.interval)
        self._odd = 0
        power = number(sample.power)
        if power is not None:
            power = min(1.0, max(0.0, power))
        busy = sample.busy if isinstance(sample.busy, bool) else None
        reading = Reading(
            time,
            temp,
            max(0.0, target),
            power,
            busy,
            number(sample.integral),
            bool(sample.calibrating),
        )
        self.last = reading
        return reading

    def _new_clock(self, time: float) -> bool:
        """True once the samples insist that time really is earlier now (the host restarted)."""
        if self._late and time > self._late_time:
            self._late += 1
        else:
            self._late = 1
        self._late_time = time
        if self._late <= _PATIENCE:
            return False
        self._late = 0
        return True


class Means:
    """Collects fast samples into means of about a second; slow ones pass through."""

    __slots__ = ("_count", "_first", "_power", "_powers", "_temp", "_time")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self._count = self._powers = 0
        self._first = self._time = self._temp = self._power = 0.0

    def add(
        self, time: float, temp: float, power: Optional[float], interval: float
    ) -> Optional[tuple[float, float, Optional[float], int]]:
        """(time, temperature, power, samples) of a finished second, else None."""
        if not self._count:
            self._first = time
        self._count += 1
        self._time += time - self._first
        self._temp += temp
        if power is not None:
            self._power += power
            self._powers += 1
        if time - self._first + interval < _PERIOD:
            return None
        n = self._count
        result = (
            self._first + self._time / n,
            self._temp / n,
            self._power / self._powers if self._powers else None,
            n,
        )
        self._count = self._powers = 0
        self._time = self._temp = self._power = 0.0
        return result
