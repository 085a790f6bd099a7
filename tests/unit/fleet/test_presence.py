# Connected time is counted on, whatever the database says
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The recorder's own clock."""

from __future__ import annotations

import asyncio
import sqlite3

from moonfleet import record

from tests.unit.fleet.fakes import make_fleet, shot


class BrokenHistory:
    def __init__(self) -> None:
        self.online: list[str] = []
        self.counted = asyncio.Event()

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    async def last_event_id(self) -> int:
        return 0

    def note_event(self, event) -> None:
        pass

    def note_online(self, printer: str, seconds: float) -> None:
        self.online.append(printer)
        if len(self.online) == 5:
            self.counted.set()

    async def maintenance_due(self) -> list:
        raise sqlite3.OperationalError("disk I/O error")


async def test_a_failing_look_at_the_maintenance_ends_nothing(monkeypatch):
    monkeypatch.setattr(record, "MINUTE", 0.0)
    monkeypatch.setattr(record, "HOUR", 1)
    fleet, bridges = make_fleet("x1c")
    history = BrokenHistory()
    recorder = record.Recorder(fleet, history, lambda action, job: None)
    await recorder.start()
    await fleet.start()
    bridges["x1c"].online(shot())

    await asyncio.wait_for(history.counted.wait(), 20.0)
    await recorder.stop()
    await fleet.stop()
