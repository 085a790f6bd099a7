# The local Klipper's ETAs where Mainsail and Fluidd already look: job history and sensors
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Auxiliary fields of Moonraker's own history, and (``eta_sensors``) Moonraker sensors.

Moonraker offers no public way to add a sensor or its field class; where they do not fit, this part
is off with one sentence and everything else runs.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Optional

from .core.heatup import HeatUpMeter
from .fleet import LOCAL, Change, Fleet

if TYPE_CHECKING:
    from moonraker.confighelper import ConfigHelper

logger = logging.getLogger("moonfleet")
PROVIDER = "moonfleet"
STORE = 1200  # values kept per sensor, as Moonraker does
KEY = "seconds_to_ready"  # Mainsail shows the key and no unit
FIELDS = {
    "heatup_time": "Time spent waiting for heaters",
    "eta_error": "Mean error of the heater ETA when the heat-ups began",
}


class LocalEta:
    """Follows the local printer and tells Moonraker's history and sensors."""

    def __init__(self, config: ConfigHelper, fleet: Fleet, sensors: bool) -> None:
        self._fleet = fleet
        self._meter = HeatUpMeter()
        self._trackers: dict[str, Any] = {}
        self._sensors: Optional[dict[str, Any]] = None
        server = config.get_server()
        self.fault = self._add_fields(server)
        if sensors:
            try:
                self._sensors = server.load_component(config, "sensor").sensors
            except Exception as error:
                self.fault = f"[moonfleet] option 'eta_sensors': Moonraker's sensors fail: {error}"
        fleet.listen(self._changed)

    def _add_fields(self, server: Any) -> Optional[str]:
        try:
            from moonraker.common import HistoryFieldData

            history = server.lookup_component("history")
            for name, description in FIELDS.items():
                field = HistoryFieldData(
                    name, PROVIDER, description, "basic", units="s", precision=1
                )
                history.register_auxiliary_field(field)
                self._trackers[name] = field.tracker
        except Exception as error:
            return f"moonfleet: heat-up time and ETA error are not in Moonraker's history: {error}"
        return None

    def job_started(self) -> None:
        """A job of the local Klipper began, says Moonraker's history."""
        self._meter.reset()

    def _changed(self, change: Change) -> None:
        if change.printer != LOCAL:
            return
        self._meter.observe(self._fleet.monotonic(), change.heaters)
        for name, value in (
            ("heatup_time", self._meter.seconds),
            ("eta_error", self._meter.error),
        ):
            if value is not None and name in self._trackers:
                self._trackers[name].update(value)
        if self._sensors is not None:
            for name, estimate in change.heaters.items():
                self._sensor(name).take(estimate.eta if estimate.heating else 0.0)

    def _sensor(self, heater: str) -> EtaSensor:
        assert self._sensors is not None
        known: Optional[EtaSensor] = self._sensors.get(f"eta_{heater}")
        if known is None:
            known = self._sensors[f"eta_{heater}"] = EtaSensor(heater)
        return known


class EtaSensor:
    """What Moonraker's ``[sensor]`` component asks of a sensor."""

    def __init__(self, heater: str) -> None:
        self.heater = heater
        self.last_measurements: dict[str, float] = {}
        self.last_value: dict[str, float] = {}
        self.values: dict[str, deque[float]] = {KEY: deque(maxlen=STORE)}
        self.error_state: Optional[str] = None

    def take(self, seconds: Optional[float]) -> None:
        """None (stalled, unreachable, not known) is no number: the value goes away."""
        if seconds is None or not math.isfinite(seconds):
            self.last_measurements = {}
        else:
            self.last_measurements = {KEY: float(round(seconds))}

    def _update_sensor_value(self, eventtime: float) -> None:
        for key, value in self.last_measurements.items():
            self.values[key].append(value)
        self.last_value = dict(self.last_measurements)

    async def initialize(self) -> bool:
        return True

    def get_sensor_info(self, extended: bool = False) -> dict[str, Any]:
        info: dict[str, Any] = {
            "id": f"eta_{self.heater}",
            "friendly_name": f"ETA {self.heater}",
            "type": "moonfleet",
            "values": dict(self.last_measurements),
        }
        if extended:
            info["parameter_info"] = [{"name": KEY, "units": "s"}]
            info["history_fields"] = []
        return info

    def get_sensor_measurements(self) -> Mapping[str, list[float]]:
        return {key: list(values) for key, values in self.values.items()}

    def get_name(self) -> str:
        return f"ETA {self.heater}"

    def close(self) -> None:
        """Nothing is open."""
