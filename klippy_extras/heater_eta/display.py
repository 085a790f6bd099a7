# Countdown on the printer's display and in both UIs (opt-in)
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Writes ``display_status.message`` only where nobody else has a message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

NAMES = {"heater_bed": "Bed", "extruder": "Nozzle", "chamber": "Chamber"}


def clock(seconds: Optional[float]) -> str:
    """``1:23``, ``1:02:03``, ``?`` when it is not known."""
    if seconds is None:
        return "?"
    whole = int(seconds + 0.5)
    hours, rest = divmod(whole, 3600)
    if hours:
        return f"{hours}:{rest // 60:02d}:{rest % 60:02d}"
    return f"{rest // 60}:{rest % 60:02d}"


class Countdown:
    def __init__(self, printer: Any) -> None:
        self.printer = printer
        self._ours: Optional[str] = None

    def show(self, status: Mapping[str, Any]) -> None:
        display = self.printer.lookup_object("display_status", None)
        if display is None:
            return
        text = None
        if status["heating"] and status["eta"] is not None and status["heater"]:
            name = NAMES.get(status["heater"], status["heater"])
            text = f"{name} ready in {clock(status['eta'])}"
        current = display.message
        if current and current != self._ours:
            self._ours = None  # somebody else's message stays
            return
        if text is None and self._ours is None:
            return
        display.message = self._ours = text
