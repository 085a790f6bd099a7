# A printer that does as it is told, and a database that forgets nothing
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Fakes for the fleet's own tests; the bridges have emulators of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Optional

from moonfleet.bridges.base import Bridge, BridgeHost, Connection, Link, PrinterSettings
from moonfleet.core.commands import Action, Command
from moonfleet.core.errors import CommandRejected
from moonfleet.core.model import (
    Heater,
    Job,
    JobPhase,
    JobReport,
    PrinterSnapshot,
    PrintState,
)
from moonfleet.fleet import Fleet

PHASES = {
    PrintState.PRINTING: JobPhase.ACTIVE,
    PrintState.PAUSED: JobPhase.PAUSED,
    PrintState.COMPLETE: JobPhase.COMPLETED,
    PrintState.CANCELLED: JobPhase.CANCELLED,
    PrintState.ERROR: JobPhase.FAILED,
}


class Store:
    """A ``FleetStore`` in memory."""

    def __init__(self) -> None:
        self.texts: dict[tuple[str, str], str] = {}
        self.open: dict[str, Mapping[str, Any]] = {}

    async def load_text(self, printer: str, key: str) -> Optional[str]:
        return self.texts.get((printer, key))

    async def store_text(self, printer: str, key: str, value: Optional[str]) -> None:
        if value is None:
            self.texts.pop((printer, key), None)
        else:
            self.texts[printer, key] = value

    async def load_open_jobs(self) -> Mapping[str, Mapping[str, Any]]:
        return dict(self.open)

    def save_open_job(self, printer: str, job: Optional[Mapping[str, Any]]) -> None:
        if job is None:
            self.open.pop(printer, None)
        else:
            self.open[printer] = job


class Clock:
    """Unix time and a monotonic clock that move only when told."""

    def __init__(self) -> None:
        self.unix = 1_800_000_000.0
        self.mono = 1_000.0

    def time(self) -> float:
        return self.unix

    def monotonic(self) -> float:
        return self.mono

    def advance(self, seconds: float) -> None:
        self.unix += seconds
        self.mono += seconds


def shot(
    state: Optional[PrintState] = PrintState.STANDBY,
    identity: str = "run-1",
    progress: float = 0.1,
    **more: Any,
) -> PrinterSnapshot:
    """A snapshot as a bridge with unique run ids makes it."""
    phase = PHASES.get(state, JobPhase.NONE) if state else JobPhase.HELD
    running = phase is not JobPhase.NONE
    return PrinterSnapshot(
        state=state,
        job=Job(name="cube", filename="cube.gcode", progress=progress) if running else None,
        job_report=JobReport(phase, identity if running else None, unique=True),
        **more,
    )


def heated(temperature: float, target: float, name: str = "extruder") -> Mapping[str, Heater]:
    return {name: Heater(temperature, target)}


class FakeBridge(Bridge):
    """Obeys pause, resume and cancel unless told otherwise."""

    actions = frozenset({Action.PAUSE, Action.RESUME, Action.CANCEL, Action.TEMPERATURE})
    confirm_timeout = 0.05

    def __init__(self, settings: PrinterSettings, host: BridgeHost) -> None:
        self.settings = settings
        self.host = host
        self.sent: list[Command] = []
        self.obeys = True
        self.refuses: Optional[str] = None
        self.stopped = False
        self.sending = asyncio.Event()

    async def start(self) -> None:
        self.host.on_connection(Connection(Link.CONNECTING))

    async def stop(self) -> None:
        self.stopped = True

    def online(self, snapshot: Optional[PrinterSnapshot] = None) -> None:
        self.host.on_connection(Connection(Link.ONLINE))
        if snapshot is not None:
            self.host.on_snapshot(snapshot)

    async def send(self, command: Command) -> None:
        self.sent.append(command)
        self.sending.set()
        if self.refuses is not None:
            raise CommandRejected(self.refuses)
        after = {
            Action.PAUSE: PrintState.PAUSED,
            Action.RESUME: PrintState.PRINTING,
            Action.CANCEL: PrintState.CANCELLED,
        }
        if self.obeys:
            self.host.on_snapshot(shot(after[command.action]))


def make_fleet(
    *names: str, clock: Optional[Clock] = None, store: Optional[Store] = None, **settings: Any
) -> tuple[Fleet, dict[str, FakeBridge]]:
    """A fleet (not started) of fake printers."""
    clock = clock or Clock()
    fleet = Fleet(store or Store(), clock.time, clock.monotonic)
    bridges: dict[str, FakeBridge] = {}
    for name in names:
        member = fleet.add(PrinterSettings(name, "fake", name.upper(), **settings), FakeBridge)
        assert isinstance(member.bridge, FakeBridge)
        bridges[name] = member.bridge
    return fleet, bridges
