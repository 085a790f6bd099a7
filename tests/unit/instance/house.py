# A fleet of one fake printer, and websockets that record
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Shared by the tests of the virtual printers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Optional

from moonfleet.bridges.base import PrinterSettings
from moonfleet.core.commands import Action, Command, Control
from moonfleet.core.errors import CommandRejected
from moonfleet.core.model import (
    Drying,
    Filament,
    FilamentUnit,
    Heater,
    Job,
    PrinterSnapshot,
    PrintState,
    Slot,
)
from moonfleet.fleet import Fleet
from moonfleet.instance.hub import Client
from moonfleet.instance.printer import VirtualPrinter
from moonfleet.instance.view import View

from ..fleet.fakes import Clock, FakeBridge, Store

ALL = frozenset(Action)


class RichBridge(FakeBridge):
    """Claims everything a bridged printer could do, and does what its state can show."""

    actions = ALL

    async def send(self, command: Command) -> None:
        if command.action in (Action.PAUSE, Action.RESUME, Action.CANCEL):
            await super().send(command)
            return
        self.sent.append(command)
        if self.refuses is not None:
            raise CommandRejected(self.refuses)
        if self.obeys:
            self.host.on_snapshot(changed(printing(), command))


def changed(snapshot: PrinterSnapshot, command: Command) -> PrinterSnapshot:
    """What a printer that obeys shows afterwards."""
    params = command.params
    if command.action is Action.TEMPERATURE:
        name = params["heater"]
        heater = replace(snapshot.heaters[name], target=params["target"])
        return replace(snapshot, heaters={**snapshot.heaters, name: heater})
    if command.action is Action.SPEED:
        return replace(snapshot, speed_factor=params["factor"])
    if command.action is Action.LIGHT:
        return replace(snapshot, lights={**snapshot.lights, params["name"]: params["mode"]})
    if command.action is Action.FAN:
        return replace(snapshot, fans={**snapshot.fans, params["name"]: params["speed"]})
    return snapshot


class FakeSink:
    """A websocket that keeps what it was sent."""

    def __init__(self, uid: int = 1) -> None:
        self.uid = uid
        self.need_auth = False
        self.behind = False
        self.sent: list[bytes] = []
        self.dropped: Optional[tuple[int, str]] = None
        self.identified: Optional[Mapping[str, Any]] = None
        self.users_gone: list[str] = []

    def send(self, data: bytes) -> None:
        self.sent.append(data)

    def tell(self, data: bytes) -> bool:
        if self.behind:
            return False
        self.send(data)
        return True

    def drop(self, code: int, reason: str) -> None:
        self.dropped = (code, reason)

    def identify(self, params: Mapping[str, Any]) -> int:
        self.identified = params
        return self.uid

    async def delegate(self, request: Mapping[str, Any]) -> Optional[dict[str, Any]]:
        return {"jsonrpc": "2.0", "result": {"from": "host"}, "id": request.get("id")}

    def on_user_logout(self, username: str) -> bool:
        self.users_gone.append(username)
        return True

    def messages(self, method: Optional[str] = None) -> list[Any]:
        found = [json.loads(data) for data in self.sent]
        return found if method is None else [m for m in found if m.get("method") == method]


class House:
    """One fleet, one fake printer ``x1c``, its virtual Moonraker and one client."""

    def __init__(self, control: Control = Control.FULL, **more: Any) -> None:
        self.clock = Clock()
        self.fleet = Fleet(Store(), self.clock.time, self.clock.monotonic)
        settings = PrinterSettings("x1c", "fake", "My X1C", control=control)
        member = self.fleet.add(settings, RichBridge)
        assert isinstance(member.bridge, RichBridge)
        self.bridge = member.bridge
        self.virtual = VirtualPrinter(self.fleet, self.fleet.printer("x1c"), **more)
        self.fleet.listen(self.virtual.changed)
        self.sink = FakeSink()
        self.client = self.virtual.connect(self.sink)

    async def start(self, snapshot: Optional[PrinterSnapshot] = None) -> House:
        await self.fleet.start()
        self.bridge.online(snapshot or printing())
        return self

    async def stop(self) -> None:
        self.virtual.close()
        await self.fleet.stop()

    async def call(self, method: str, client: Optional[Client] = None, **params: Any) -> Any:
        """The answer object to one request of a websocket client."""
        request = {"jsonrpc": "2.0", "method": method, "params": params, "id": 7}
        answer = await self.virtual.receive(json.dumps(request), client or self.client)
        assert answer is not None
        return json.loads(answer)

    async def result(self, method: str, **params: Any) -> Any:
        answer = await self.call(method, **params)
        assert "error" not in answer, answer
        assert answer["id"] == 7
        return answer["result"]

    async def error(self, method: str, **params: Any) -> dict[str, Any]:
        answer = await self.call(method, **params)
        assert "result" not in answer, answer
        return dict(answer["error"])


def filament() -> Filament:
    """A four-slot unit, a drying one-slot unit and one external spool."""
    slots = (
        Slot(0, True, "PLA", "00AE42", 0.8),
        Slot(1, True, "ABS", "FF0000", None),
        Slot(2, True, "PETG", None, 0.25),
        Slot(3, False),
    )
    return Filament(
        (
            FilamentUnit(0, "AMS 2 Pro", 18.0, 27.3, None, slots),
            FilamentUnit(
                128, "AMS HT", 12.0, 61.0, Drying(11520.0, 65.0), (Slot(0, True, "PA", "111111"),)
            ),
        ),
        (Slot(254, None, "TPU", "0000FF"),),
        {"extruder": (0, 1)},
    )


def printing(state: PrintState = PrintState.PRINTING, **more: Any) -> PrinterSnapshot:
    values: dict[str, Any] = {
        "state": state,
        "heaters": {
            "extruder": Heater(219.5, 220.0),
            "heater_bed": Heater(60.0, 60.0),
            "chamber": Heater(38.0, None),
        },
        "fans": {"part": 0.7, "aux": 0.3, "heatbreak": 1.0},
        "lights": {"chamber_light": "on"},
        "speed_factor": 1.0,
        "job": Job("Benchy", "benchy.gcode.3mf", 0.4, 900.0, 600.0, 12, 240),
        "filament": filament(),
        "model": "X1C",
    }
    values.update(more)
    return PrinterSnapshot(**values)


def view(**more: Any) -> View:
    values: dict[str, Any] = {
        "name": "x1c",
        "display_name": "My X1C",
        "snapshot": printing(),
        "actions": ALL,
    }
    values.update(more)
    return View(**values)
