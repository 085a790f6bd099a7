# What a print costs at the plug: Moonraker's own sensors, read beside the job
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""A printer names a ``[sensor]`` section (``energy_sensor``); its units say how it is read.

A counter (kWh, Wh) is taken as it stands, a power (W, kW) is added up over time. Moonraker's sensor
component is handed in; a sensor that says nothing costs the figure, never the job.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Callable, Optional

from .core.jobs_record import number
from .fleet import Fleet, Printer

logger = logging.getLogger("moonfleet")
EVERY = 5.0  # s between two looks
GAP = 60.0  # s; a power is not carried over a longer silence of ours
COUNTERS = {"kwh": 1.0, "wh": 0.001}  # -> kWh
POWERS = {"kw": 1.0, "w": 0.001}  # -> kW


class EnergyWatch:
    """``find`` gives Moonraker's sensors by name; ``start`` begins to look, ``stop`` ends it."""

    def __init__(self, fleet: Fleet, find: Callable[[], Mapping[str, Any]]) -> None:
        self._fleet = fleet
        self._find = find
        self._added: dict[str, float] = {}  # printer -> kWh that its power has added up to
        self._looked: dict[str, float] = {}  # printer -> when, monotonic
        self._task: Optional[asyncio.Task[None]] = None

    def unknown(self) -> list[str]:
        """One sentence for each name that cannot be read."""
        return [
            f"[moonfleet {printer.name}] option 'energy_sensor': '{wanted[:60]}' {fault}"
            for printer in self._fleet.printers()
            if (wanted := printer.settings.energy_sensor) and (fault := self._fault(wanted))
        ]

    def start(self) -> None:
        if self._task is None:
            self._task = asyncio.ensure_future(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def look(self) -> None:
        """Every printer's meter as of now goes to its open job."""
        now = self._fleet.monotonic()
        for printer in self._fleet.printers():
            reading = self._reading(printer, now) if printer.settings.energy_sensor else None
            if reading is not None:
                self._fleet.note_energy(printer.name, reading)

    # ---- inside -----------------------------------------------------------------------------

    async def _run(self) -> None:
        told = False
        while True:
            try:
                self.look()
            except Exception:
                # a sensor of another component: its mistakes are said once and cost no job
                if not told:
                    logger.exception("moonfleet: the energy sensors cannot be read")
                told = True
            await asyncio.sleep(EVERY)

    def _fault(self, wanted: str) -> Optional[str]:
        name, _, parameter = wanted.partition(":")
        sensor = self._find().get(name.strip())
        if sensor is None:
            return f"is not known; add a section [sensor {name.strip()[:60]}] or remove the name"
        if _parameter(sensor, parameter.strip()) is None:
            return (
                "has no value with units kWh, Wh, W or kW; add for example"
                " 'parameter_energy: units=kWh' to its section"
            )
        return None

    def _reading(self, printer: Printer, now: float) -> Optional[float]:
        """kWh, on a counter that only grows; None when the sensor says nothing."""
        name, _, parameter = printer.settings.energy_sensor.partition(":")
        before = self._looked.pop(printer.name, None)
        sensor = self._find().get(name.strip())
        if sensor is None:
            return None
        found = _parameter(sensor, parameter.strip())
        if found is None:
            return None
        key, units = found
        value = number(sensor.last_measurements.get(key))
        if value is None or value < 0.0:
            return None
        if units in COUNTERS:
            return value * COUNTERS[units]
        self._looked[printer.name] = now
        total = self._added.get(printer.name, 0.0)
        if before is not None and now - before <= GAP:
            total += value * POWERS[units] * (now - before) / 3600.0
        self._added[printer.name] = total
        return total


def _parameter(sensor: Any, wanted: str) -> Optional[tuple[str, str]]:
    """(name, units) of the value that says how much, a counter before a power."""
    units = {
        str(entry.get("name")): str(entry.get("units", "")).strip().lower()
        for entry in sensor.get_sensor_info(True).get("parameter_info", ())
    }
    if wanted:
        units = {name: unit for name, unit in units.items() if name == wanted}
    for known in (COUNTERS, POWERS):
        for name, unit in units.items():
            if unit in known:
                return name, unit
    return None
