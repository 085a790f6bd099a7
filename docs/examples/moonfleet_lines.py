# An example of a bridge outside the tree: printers that speak JSON lines over TCP
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``type: lines`` for Moonfleet. docs/writing_a_bridge.md walks through this file.

The printer sends one JSON object per line, whenever something changes and at least every ten
seconds: ``{"state": "printing", "file": "cube.gcode", "progress": 0.4, "run": 17,
"nozzle": [210.0, 215.0]}``. It takes ``{"do": "pause", "key": "..."}`` and answers with its state.
"""

from __future__ import annotations

import asyncio
import json
import random
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
from moonraker.components.moonfleet.core.backoff import Backoff
from moonraker.components.moonfleet.core.commands import Action, Command
from moonraker.components.moonfleet.core.errors import NotConnected
from moonraker.components.moonfleet.core.model import (
    Heater,
    Job,
    JobPhase,
    JobReport,
    PrinterSnapshot,
    PrintState,
)

PHASES = {
    PrintState.PRINTING: JobPhase.ACTIVE,
    PrintState.PAUSED: JobPhase.PAUSED,
    PrintState.COMPLETE: JobPhase.COMPLETED,
    PrintState.CANCELLED: JobPhase.CANCELLED,
    PrintState.ERROR: JobPhase.FAILED,
}
SILENCE = 30.0  # s; the printer promises a line every ten


# ---- protocol: pure, bytes in, facts out ------------------------------------------------------


def parse(line: bytes) -> Optional[PrinterSnapshot]:
    """One line; None when it is not what this kind of printer sends."""
    try:
        said = json.loads(line)
        state = PrintState(said["state"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    phase = PHASES.get(state, JobPhase.NONE)
    job = None
    if phase is not JobPhase.NONE:
        name = text(said.get("file"))
        job = Job(name=name, filename=name, progress=number(said.get("progress")))
    run = said.get("run")
    nozzle = said.get("nozzle")
    heaters = {}
    if isinstance(nozzle, list) and len(nozzle) == 2:
        heaters["extruder"] = Heater(number(nozzle[0]), number(nozzle[1]))
    return PrinterSnapshot(
        state=state,
        heaters=heaters,
        job=job,
        job_report=JobReport(phase, None if run is None else str(run)[:40], unique=True),
    )


def text(value: Any) -> Optional[str]:
    return value[:200] if isinstance(value, str) else None


def number(value: Any) -> Optional[float]:
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e9
    return float(value) if good else None


# ---- bridge: one connection, kept up for ever -------------------------------------------------


class LinesBridge(Bridge):
    actions = frozenset({Action.PAUSE, Action.RESUME, Action.CANCEL})

    def __init__(self, settings: PrinterSettings, host: BridgeHost) -> None:
        self._settings = settings
        self._host = host
        self._writer: Optional[asyncio.StreamWriter] = None
        self._task: Optional[asyncio.Task[None]] = None
        self._heard = False  # a good line since the last connect

    async def start(self) -> None:
        self._task = asyncio.ensure_future(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def send(self, command: Command) -> None:
        if self._writer is None:
            raise NotConnected(f"{self._settings.name}: not connected")
        key = self._settings.options["key"].reveal()  # the only place where it is plain
        self._writer.write(json.dumps({"do": command.action.value, "key": key}).encode() + b"\n")
        await self._writer.drain()

    async def _run(self) -> None:
        backoff, attempt = Backoff(), 0
        self._host.on_connection(Connection(Link.CONNECTING))
        while True:
            try:
                await self._follow()
                problem = "the printer closed the connection; is it switched off?"
            except (OSError, asyncio.TimeoutError, ValueError) as error:
                problem = f"{error or 'no answer'}; check host, port and that the printer is on"
            self._host.on_connection(Connection(Link.UNREACHABLE, problem))
            await asyncio.sleep(backoff.delay(attempt, random.random()))
            attempt = 0 if self._heard else attempt + 1

    async def _follow(self) -> None:
        """Connect and read until something ends it."""
        self._heard = False
        address = self._settings.host, self._settings.port
        reader, self._writer = await asyncio.wait_for(asyncio.open_connection(*address), 10.0)
        try:
            while line := await asyncio.wait_for(reader.readline(), SILENCE):
                snapshot = parse(line)
                if snapshot is None:
                    message = "does not speak JSON lines; check 'type' and 'port'"
                    self._host.on_connection(Connection(Link.FAULT, message))
                    continue
                self._heard = True
                self._host.on_connection(Connection(Link.ONLINE))
                self._host.on_snapshot(snapshot)
        finally:
            self._writer.close()
            self._writer = None


def parse_options(reader: OptionReader) -> Mapping[str, Any]:
    return {"key": reader.secret("key", required=True)}


register_bridge_type(
    BridgeType("lines", "JSON lines", parse_options, LinesBridge, default_port=9100)
)
