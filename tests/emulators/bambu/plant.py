# Heaters that warm and cool like heaters
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""A heater with its block and its losses, and a sensor that lags behind."""

from __future__ import annotations

AMBIENT = 24.0
_STEP = 0.25  # simulated seconds


class Plant:
    """``rate`` is degrees per second at full power and ambient; ``top`` the steady state there."""

    def __init__(self, rate: float, top: float, lag: float) -> None:
        self._rate = rate
        self._loss = rate / (top - AMBIENT)
        self._lag = lag
        self.target = 0.0
        self.temperature = AMBIENT
        self._block = AMBIENT

    def advance(self, seconds: float) -> None:
        while seconds > 0.0:
            step = min(_STEP, seconds)
            seconds -= step
            error = self.target - self._block
            hold = max(0.0, self.target - AMBIENT) * self._loss / self._rate
            power = min(1.0, max(0.0, hold + 0.25 * error)) if self.target else 0.0
            loss = self._loss * (self._block - AMBIENT)
            self._block += step * (self._rate * power - loss)
            self.temperature += (self._block - self.temperature) * min(1.0, step / self._lag)

    @property
    def ready(self) -> bool:
        return self.target == 0.0 or abs(self.temperature - self.target) < 2.0


def hotend() -> Plant:
    return Plant(rate=4.0, top=420.0, lag=2.0)


def bed() -> Plant:
    return Plant(rate=0.6, top=150.0, lag=6.0)


def chamber() -> Plant:
    return Plant(rate=0.12, top=75.0, lag=20.0)
