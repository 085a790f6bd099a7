# Feeds reports to the protocol at chosen times
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Shared by the tests of the protocol's rules."""

from __future__ import annotations

from typing import Any

from moonfleet.bridges.bambu.protocol import PrinterReports
from moonfleet.core.model import PrinterSnapshot

CANCEL = 0x0300400C


class Talk:
    """One printer that is told what to report."""

    def __init__(self, model: str | None = None) -> None:
        self.reports = PrinterReports(model)

    def delta(self, now: float = 0.0, **body: Any) -> PrinterSnapshot:
        return self.reports.report({"command": "push_status", "msg": 1, **body}, False, now)

    def full(self, now: float = 0.0, **body: Any) -> PrinterSnapshot:
        return self.reports.report({"command": "push_status", "msg": 0, **body}, True, now)
