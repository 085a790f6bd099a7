# Short histories of a virtual printer: temperatures and console lines
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Pure. Sizes and shapes are those of Moonraker's data store."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Mapping
from typing import Any, Optional

TEMPERATURE_SAMPLES = 1200  # 20 minutes at 1 Hz, Moonraker's default
GCODE_LINES = 1000
LINE_LENGTH = 2000
FIELDS = ("temperature", "target", "power", "speed")
MISSING = float("nan")


class _Series:
    """A ring of 32-bit floats; 4.8 kB when full."""

    __slots__ = ("_at", "_values")

    def __init__(self, length: int) -> None:
        self._values = array("f", [MISSING]) * length
        self._at = 0

    def add(self, value: Optional[float]) -> None:
        self._values[self._at] = MISSING if value is None else value
        self._at = (self._at + 1) % len(self._values)

    def read(self, count: int) -> list[Optional[float]]:
        size = len(self._values)
        first = (self._at - count) % size
        ordered = (self._values[(first + i) % size] for i in range(count))
        return [None if value != value else round(value, 2) for value in ordered]


class TemperatureStore:
    """One sample a second of every sensor; grows to its full length and no further."""

    def __init__(self, length: int = TEMPERATURE_SAMPLES) -> None:
        self.length = length
        self._series: dict[str, dict[str, _Series]] = {}
        self._count: dict[str, int] = {}

    def add(self, sensors: Mapping[str, Mapping[str, Any]]) -> None:
        """``{sensor: its status}``; a sensor that is no longer there is forgotten."""
        for name in [known for known in self._series if known not in sensors]:
            del self._series[name], self._count[name]
        for name, status in sensors.items():
            series = self._series.setdefault(name, {})
            for field in FIELDS:
                if field not in status and field not in series:
                    continue
                if field not in series:
                    series[field] = _Series(self.length)
                series[field].add(status.get(field))
            self._count[name] = min(self.length, self._count.get(name, 0) + 1)

    def to_json(self) -> dict[str, dict[str, list[Optional[float]]]]:
        """``{sensor: {"temperatures": [...], "targets": [...], "powers": [...]}}``."""
        return {
            name: {
                f"{field}s": series[field].read(self._count[name])
                for field in FIELDS
                if field in series
            }
            for name, series in self._series.items()
        }


class GcodeStore:
    """The console's memory."""

    def __init__(self, length: int = GCODE_LINES) -> None:
        self._lines: deque[tuple[str, float, str]] = deque(maxlen=length)

    def add(self, message: str, time: float, kind: str) -> None:
        """``kind`` is ``command`` or ``response``."""
        self._lines.append((message[:LINE_LENGTH], time, kind))

    def to_json(self, count: Optional[int] = None) -> list[dict[str, Any]]:
        lines = list(self._lines)
        if count is not None:
            lines = lines[-count:] if count > 0 else []
        return [{"message": text, "time": time, "type": kind} for text, time, kind in lines]
