# How long a job waited for its heaters, and how wrong their ETA was
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Judges each heat-up by the prediction made when it began, the hardest moment to predict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional, Protocol


class Heats(Protocol):
    """The part of a thermal ``Estimate`` that is looked at."""

    @property
    def heating(self) -> bool: ...

    @property
    def ready(self) -> bool: ...

    @property
    def eta(self) -> Optional[float]: ...


@dataclass
class _HeatUp:
    began: float
    said: float


class HeatUpMeter:
    """One printer, one job at a time; ``reset`` when a job starts."""

    def __init__(self) -> None:
        self._running: dict[str, _HeatUp] = {}
        self._errors: list[float] = []
        self._waited = 0.0
        self._last: Optional[float] = None
        self._heating = False

    def reset(self) -> None:
        """A new job: heat-ups under way belong to it, earlier ones do not."""
        self._errors.clear()
        self._waited = 0.0
        self._last = None

    @property
    def seconds(self) -> Optional[float]:
        """Seconds in which at least one heater was on its way to its target."""
        return self._waited if self._waited > 0.0 else None

    @property
    def error(self) -> Optional[float]:
        """Mean absolute error in seconds of the predictions made as the heat-ups began."""
        return sum(self._errors) / len(self._errors) if self._errors else None

    def observe(self, now: float, heaters: Mapping[str, Heats]) -> bool:
        """Take what every heater says at ``now`` (monotonic); True when a heat-up was judged."""
        if self._heating and self._last is not None:
            self._waited += max(0.0, now - self._last)
        self._last = now
        self._heating = any(heater.heating and not heater.ready for heater in heaters.values())
        judged = False
        for name, heater in heaters.items():
            if heater.ready:
                heat_up = self._running.pop(name, None)
                if heat_up is not None:
                    self._errors.append(abs(heat_up.said - (now - heat_up.began)))
                    judged = True
            elif not heater.heating:
                self._running.pop(name, None)  # turned off on the way: nothing to judge
            elif name not in self._running and heater.eta:
                self._running[name] = _HeatUp(now, heater.eta)
        return judged
