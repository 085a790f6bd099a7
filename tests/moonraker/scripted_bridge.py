# A bridge type whose printers say what a test wants them to say
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``type: scripted``, loaded by ``bridge_modules`` into a real Moonraker; see director.py.

The printer connects to the director and gets one JSON object per line: a snapshot in the shape of
``PrinterSnapshot.to_json``. Commands go the other way.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Optional

from moonraker.components.moonfleet.bridges.base import (
    Bridge,
    BridgeHost,
    BridgeType,
    Connection,
    Link,
    OptionReader,
    PrinterSettings,
    register_bridge_type,
)
from moonraker.components.moonfleet.core.commands import Action, Command
from moonraker.components.moonfleet.core.errors import CommandRejected
from moonraker.components.moonfleet.core.model import (
    Accepts,
    Drying,
    Fault,
    Filament,
    FilamentUnit,
    Heater,
    Job,
    JobPhase,
    JobReport,
    PrinterSnapshot,
    PrintState,
    Severity,
    Slot,
)

PHASES = {
    PrintState.PRINTING: JobPhase.ACTIVE,
    PrintState.PAUSED: JobPhase.PAUSED,
    PrintState.COMPLETE: JobPhase.COMPLETED,
    PrintState.CANCELLED: JobPhase.CANCELLED,
    PrintState.ERROR: JobPhase.FAILED,
}


def snapshot(said: Mapping[str, Any]) -> PrinterSnapshot:
    state = PrintState(said["state"])
    heaters = {name: Heater(**heater) for name, heater in said["heaters"].items() if heater}
    phase = PHASES.get(state, JobPhase.NONE)
    return PrinterSnapshot(
        state=state,
        message=said["message"],
        stage=said["stage"],
        heaters=heaters,
        fans={name: speed for name, speed in said["fans"].items() if speed is not None},
        speed_factor=said["speed_factor"],
        job=Job(**said["job"]) if said["job"] else None,
        filament=filament(said["filament"]) if said["filament"] else None,
        faults=tuple(Fault(f["code"], Severity(f["severity"]), f["url"]) for f in said["faults"]),
        lights=said["lights"],
        firmware=said["firmware"],
        model=said["model"],
        accepts_commands=Accepts(said["accepts_commands"]),
        job_report=JobReport(phase, said.get("run", "run-1"), unique=True),
    )


def filament(said: Mapping[str, Any]) -> Filament:
    units = tuple(
        FilamentUnit(
            **{
                **unit,
                "drying": Drying(**unit["drying"]) if unit["drying"] else None,
                "slots": tuple(Slot(**slot) for slot in unit["slots"]),
            }
        )
        for unit in said["units"]
    )
    active = {name: (place[0], place[1]) for name, place in said["active"].items()}
    return Filament(units, tuple(Slot(**slot) for slot in said["external"]), active)


class ScriptedBridge(Bridge):
    actions = frozenset(Action)
    confirm_timeout = 5.0

    def __init__(self, settings: PrinterSettings, host: BridgeHost) -> None:
        self._settings = settings
        self._host = host
        self._writer: Optional[asyncio.StreamWriter] = None
        self._task: Optional[asyncio.Task[None]] = None
        self._refusal: Optional[str] = None

    async def start(self) -> None:
        self._task = asyncio.ensure_future(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def send(self, command: Command) -> None:
        if self._refusal is not None:
            raise CommandRejected(self._refusal)
        assert self._writer is not None
        order = {"do": command.action.value, "params": dict(command.params)}
        self._writer.write(json.dumps(order).encode() + b"\n")
        await self._writer.drain()

    async def _run(self) -> None:
        while True:
            try:
                await self._follow()
            except OSError:
                pass  # the director is not there (yet, or any more)
            self._host.on_connection(Connection(Link.UNREACHABLE, "the director is away"))
            await asyncio.sleep(0.1)

    async def _follow(self) -> None:
        address = self._settings.host, self._settings.port
        reader, self._writer = await asyncio.open_connection(*address, limit=1 << 20)
        self._writer.write(json.dumps({"name": self._settings.name}).encode() + b"\n")
        try:
            while line := await reader.readline():
                said = json.loads(line)
                self._refusal = said.get("refusal")
                self._host.on_connection(Connection(Link.ONLINE))
                self._host.on_snapshot(snapshot(said))
        finally:
            self._writer.close()


def parse_options(_reader: OptionReader) -> Mapping[str, Any]:
    return {}


register_bridge_type(
    BridgeType("scripted", "Scripted", parse_options, ScriptedBridge, default_port=1)
)
