# Off, heating, settling, ready, cooling: where a heater is in its life
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The state machine, from readings alone. Predictions do not enter here."""

from __future__ import annotations

from collections import deque
from typing import Optional

from .gate import Reading
from .traits import REACHED_DELTA, SETTLE_DELTA, SETTLE_SLOPE, Traits
from .types import HeaterSpec, HeaterState

_SLACK = 2.0  # a ready heater is busy again only when it is so far out of its band
_REARM = 3.0
_ABOVE = 2.0  # more than this above the target is cooling down to it
_ROUNDING = 0.011  # what rounding to 0.1 C adds to a slope
_AT_REST = 0.02  # C/s


class Phase:
    """Follows one heater; ``state`` is the answer, ``since`` when the target was set."""

    def __init__(self, spec: HeaterSpec, traits: Traits, threshold: float) -> None:
        self._spec = spec
        self._threshold = threshold
        self._traits = traits
        self.state = HeaterState.UNKNOWN
        self.target = 0.0
        self.since = 0.0
        self.start = 0.0  # temperature when the target was set
        self.rate: Optional[float] = None
        self._window: deque[tuple[float, float]] = deque(maxlen=64)
        self._inside: Optional[float] = None  # in the band since, for heaters without a word
        self._saturated = False

    def update(self, now: Reading, fresh: bool) -> bool:
        """Take a reading; True when a new target (or a new life) begins."""
        if fresh:
            self._window.clear()
            self.rate = None
        self._measure(now)
        first = self.state is HeaterState.UNKNOWN
        begun = first or fresh or abs(now.target - self.target) > 0.05
        if now.calibrating:
            begun = begun or self.state is not HeaterState.CALIBRATING
            if begun:
                self._begin(now)
            self.state = HeaterState.CALIBRATING
            return begun
        if self.state is HeaterState.CALIBRATING:
            begun = True
        if begun:
            self._begin(now)
        if now.target <= 0.0:
            self._idle(now, begun)
        else:
            self._heat(now, begun)
        return begun

    def _begin(self, now: Reading) -> None:
        self.target = now.target
        self.since = now.time
        self.start = now.temperature
        self._inside = None
        self._saturated = False

    def _idle(self, now: Reading, begun: bool) -> None:
        if begun:
            hot = now.temperature > self._threshold
            known = self.state not in (HeaterState.UNKNOWN, HeaterState.OFF)
            self.state = (
                HeaterState.COOLING if hot else HeaterState.COOLED if known else HeaterState.OFF
            )
        elif self.state is HeaterState.COOLING:
            if now.temperature <= self._threshold:
                self.state = HeaterState.COOLED
        elif now.temperature > self._threshold + _REARM:
            self.state = HeaterState.COOLING  # heated by a neighbour, or by a fault
        elif self.state is HeaterState.COOLED and (
            self.rate is not None and abs(self.rate) < _AT_REST
        ):
            self.state = HeaterState.OFF

    def _heat(self, now: Reading, begun: bool) -> None:
        error = now.target - now.temperature
        if self.state is HeaterState.READY and not begun:
            if abs(error) <= self._band + _SLACK:
                return
        elif self.state is HeaterState.COOLING and not begun and error < -SETTLE_DELTA:
            return
        if error < -_ABOVE and (begun or self.state is HeaterState.READY):
            self.state = HeaterState.COOLING
            return
        if not self._busy(now, error):
            self.state = HeaterState.READY
        elif error <= REACHED_DELTA or (self.state is HeaterState.SETTLING and error < _REARM):
            self.state = HeaterState.SETTLING
        else:
            self.state = (
                HeaterState.APPROACHING if self._approaching(now, error) else (HeaterState.HEATING)
            )

    @property
    def _band(self) -> float:
        return self._spec.max_delta if self._spec.control == "watermark" else SETTLE_DELTA

    def _busy(self, now: Reading, error: float) -> bool:
        """Would M109 or M190 still wait? The host's word, or our own judgement."""
        if now.busy is not None:
            return now.busy or abs(error) > self._band + _SLACK
        if self._spec.control == "watermark":
            return error > self._spec.max_delta
        if abs(error) > SETTLE_DELTA:
            self._inside = None
            return True
        if not self._spec.has_power:
            # whole degrees and irregular samples have no slope: being there for a while counts
            if self._inside is None:
                self._inside = now.time
            return now.time - self._inside < 5.0
        if self._spec.control == "mpc":
            return False  # Kalico's MPC knows no slope
        slope = self._slope(now)
        return slope is None or slope > 0.0

    def _slope(self, now: Reading) -> Optional[float]:
        """By how much the change over about a second exceeds what Klipper lets pass."""
        for time, temp in reversed(self._window):
            dt = now.time - time
            if dt >= 0.85:
                return abs(now.temperature - temp) - SETTLE_SLOPE * dt - _ROUNDING
        return None

    def _approaching(self, now: Reading, error: float) -> bool:
        if now.power is None:
            return error < self._traits.full_power_band
        if now.power >= 0.95 * self._spec.max_power:
            self._saturated = True
            return False
        return self._saturated or error < self._traits.knee

    def _measure(self, now: Reading) -> None:
        window = self._window
        window.append((now.time, now.temperature))
        while len(window) > 2 and now.time - window[1][0] >= 4.0:
            window.popleft()
        dt = now.time - window[0][0]
        if dt >= 0.85:
            self.rate = (now.temperature - window[0][1]) / dt
