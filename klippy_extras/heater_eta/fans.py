# temperature_fan: a target that is approached from above
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The object ``heater_eta <temperature_fan>``: when will the fan have cooled it to its target."""

from __future__ import annotations

from typing import Any, Optional

from . import compat
from .monitor import HeaterMonitor
from .thermal.tracker import HeaterTracker
from .thermal.types import UNKNOWN_ESTIMATE, HeaterKind, HeaterSpec, Sample


class FanMonitor(HeaterMonitor):
    """Feeds the model as a heater that is off, with the fan's target as the threshold."""

    can_heat = False

    def _start_tracker(self, learned: Any) -> None:
        target = compat.finite(getattr(self.heater, "target_temp", None)) or 40.0
        spec = HeaterSpec(
            name=self.name,
            kind=self.kind or HeaterKind.CHAMBER,
            sensor_type=self._sensor_type,
            max_temp=compat.finite(getattr(self.heater, "max_temp", None)),
            has_power=False,
        )
        self._threshold = target
        self.tracker = HeaterTracker(spec, learned, self.cool_threshold or target)

    def sample(self, eventtime: float, shutdown: bool) -> None:
        temperature, target = self.heater.get_temp(eventtime)
        temperature = compat.finite(temperature)
        if not temperature:  # 0.0 until the first report
            self.temperature = None
            self._publish(UNKNOWN_ESTIMATE)
            return
        if target and target != self._threshold and self.cool_threshold is None:
            self._start_tracker(self._tracker().to_dict())
        self.temperature = temperature
        self._tracker().update(Sample(time=eventtime, temperature=temperature, target=0.0))
        self._maybe_estimate(eventtime, False)

    def predict(self, target: float) -> Optional[float]:
        return None
