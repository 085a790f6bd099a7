# Extra values under a heater's own row in Mainsail (opt-in)
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Mainsail lists the numbers of ``temperature_combined <name>`` under every row of that name."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from .monitor import HeaterMonitor


class Companion:
    def __init__(self, monitor: HeaterMonitor) -> None:
        self.monitor = monitor
        self._source: Any = None
        self._status: dict[str, Any] = {"eta": None}

    def get_status(self, eventtime: float) -> dict[str, Any]:
        source = self.monitor.get_status(eventtime)
        if source is not self._source:
            self._source = source
            if source["eta"] != self._status["eta"]:
                self._status = {"eta": source["eta"]}
        return self._status


def add_companions(printer: Any, monitors: Mapping[str, HeaterMonitor]) -> None:
    for short, monitor in monitors.items():
        name = f"temperature_combined {short}"
        if printer.lookup_object(name, None) is not None:
            logging.info("heater_eta: [%s] exists; no extra values under that row", name)
            continue
        printer.add_object(name, Companion(monitor))
