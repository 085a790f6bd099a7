# One bridged printer as a Moonraker of its own
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Joins the fleet's printer with objects, stores, overlay, router and clients.

Changes are told at once and then at most four times a second; nothing is built while nobody looks.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any, Callable, Optional
from urllib.parse import quote

from ..bridges.base import Link
from ..core.commands import Command, CommandResult
from .filament import drying_message
from .hub import Client, Hub, Sink
from .jsonrpc import encode, error, notification
from .memo import Memo
from .methods import handlers_of
from .objects import CHAMBER_HEATER, Objects, build_objects
from .overlay import Overlay
from .prompts import END, Prompter
from .provision import database_defaults
from .router import Router
from .signatures import Signer
from .store import GcodeStore, TemperatureStore
from .view import View
from .webcams import webcam

if TYPE_CHECKING:
    from ..fleet import Fleet
    from ..printer import Change, Printer

logger = logging.getLogger(__name__)

FLUSH_INTERVAL = 0.25  # s; at most four status updates a second
QUIET = 0.9  # s without news after which the running durations are told on their own
SILENCE = 2.0  # s after which a client that was told nothing gets a sign of life
STICKY = frozenset({CHAMBER_HEATER})
TOO_MANY = 429
Save = Callable[[str, Mapping[str, Any]], Awaitable[None]]


class VirtualPrinter:
    def __init__(
        self,
        fleet: Fleet,
        printer: Printer,
        *,
        stored: Optional[Mapping[str, Any]] = None,
        save: Optional[Save] = None,
        history: Any = None,
        base: str = "/websocket/moonfleet",
        version: str = "v0.0.0",
    ) -> None:
        self.fleet = fleet
        self.printer = printer
        self.name = printer.name
        self.history = history
        self.base = base
        self.version = version
        self.hub = Hub(self.name)
        self.temperatures = TemperatureStore()
        self.console = GcodeStore()
        self.overlay = Overlay(database_defaults(printer.settings.display_name), stored)
        self.router = Router(self.name, handlers_of(self))
        self.prompter = Prompter()
        self._save = save
        self._objects: Optional[Objects] = None  # of the latest report; None: not built yet
        self._memo = Memo()
        self._view: Optional[View] = None  # of the latest change, for those who look
        self._sticky: frozenset[str] = frozenset()
        self._hide_message = False
        self.signer = Signer()
        self._webcams: list[dict[str, Any]] = []  # as told
        self._flushed_at = 0.0
        self._flush: Optional[asyncio.TimerHandle] = None
        self._klippy_state = self.view().klippy_state[0]

    # ---- what the printer looks like --------------------------------------------------------

    def view(self, estimates: bool = True) -> View:
        """``estimates``: with the heaters' forecasts, the dearest part."""
        printer, job = self.printer, self.printer.job
        settings = printer.settings
        return View(
            name=printer.name,
            display_name=settings.display_name,
            snapshot=printer.snapshot,
            online=printer.online,
            connecting=printer.connection.state is Link.CONNECTING,
            connection_message=printer.connection.message,
            heaters=printer.heaters_json() if estimates else {},
            actions=self.printer.actions(),
            total_duration=None if job is None else job.total_duration,
            print_duration=None if job is None else job.print_duration,
            learned_left=self._learned_left(),
            filament_panel=settings.filament_panel,
            sticky=self._sticky,
            hide_message=self._hide_message,
        )

    def _learned_left(self) -> Optional[float]:
        """The fleet's own figure, where the printer's section asks for it."""
        if self.printer.settings.finish_estimate != "learned":
            return None
        finish = self.printer.finish()
        return None if finish is None else finish.left

    def objects(self) -> Objects:
        """The objects of the latest report."""
        if self._objects is None:
            self._objects = build_objects(self._view or self.view(), self._memo)
            self._sticky |= STICKY.intersection(self._objects)
        return self._objects

    def webcams(self) -> list[dict[str, Any]]:
        """The printer's camera as an entry of Moonraker's list; full paths, since neither
        interface adds its own prefix."""
        if self.fleet.camera(self.name) is None:
            return []
        path = f"{self.base}/{quote(self.name)}/camera"
        return [webcam(self.name, path, self.signer.query(self.name))]

    def _tell_webcams(self) -> None:
        """A camera came or went, or its address was changed before it expires."""
        webcams = self.webcams()
        if webcams != self._webcams:
            self._webcams = webcams
            self.hub.broadcast(notification("notify_webcams_changed", [{"webcams": webcams}]))

    @staticmethod
    def eventtime() -> float:
        return asyncio.get_running_loop().time()

    # ---- clients ----------------------------------------------------------------------------

    def connect(self, sink: Sink) -> Client:
        return self.hub.add(sink, self.eventtime())

    async def receive(self, data: str | bytes, client: Client) -> Optional[bytes]:
        """Answer one message of a websocket client."""
        if not client.admit(self.eventtime()):
            return encode(error(None, TOO_MANY, "Too many requests, slow down"))
        return await self.router.dispatch(data, client)

    def current(self) -> Mapping[str, Mapping[str, Any]]:
        """The state that a new subscriber starts from; later differences count from it."""
        if not self.hub.watched:
            self.hub.told = self.objects()
        return self.hub.told

    # ---- news -------------------------------------------------------------------------------

    def changed(self, change: Optional[Change] = None) -> None:
        """Something about this printer is new: tell it now, or as soon as the rate permits."""
        watched = self.hub.watched
        view = self.view(estimates=watched)
        if self._hide_message and drying_message(view) is None:
            self._hide_message = False  # the next one is news again
        self._klippy_turn(view.klippy_state[0])
        for line in self.prompter.update(view):
            self._line(line)
        self._again(view if watched else None)

    def _again(self, view: Optional[View] = None) -> None:
        self._objects, self._view = None, view
        if self._flush is not None or not self.hub.watched:
            return
        loop = asyncio.get_running_loop()
        wait = self._flushed_at + FLUSH_INTERVAL - loop.time()
        if wait <= 0.0:
            self.flush()
        else:
            self._flush = loop.call_later(wait, self.flush)

    def flush(self) -> None:
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        if not self.hub.watched:
            return
        now = self.eventtime()
        try:
            if self.hub.publish(self.objects(), now):
                self._flushed_at = now  # a report without news does not make the next one wait
        except Exception:
            logger.exception("virtual printer %s: status could not be told", self.name)

    def _klippy_turn(self, state: str) -> None:
        if state == self._klippy_state:
            return
        self._klippy_state = state
        word = {"ready": "ready", "shutdown": "shutdown"}.get(state)
        if word is not None:
            self.hub.broadcast(notification(f"notify_klippy_{word}", []))

    def tick(self, alive: bytes) -> None:
        """Once a second: sample temperatures, keep sockets alive, let durations run."""
        sensors = self._sensors()
        if sensors:
            self.temperatures.add(sensors)
        self._tell_webcams()
        now = self.eventtime()
        self.hub.broadcast(alive, now - SILENCE)
        self.hub.tick(now)
        # a printer that reports anyway takes its durations along; a message of their own would
        # only make the next report wait
        if self.printer.job is not None and now - self._flushed_at >= QUIET:
            self._again()

    def _sensors(self) -> dict[str, dict[str, Any]]:
        if not self.printer.online:
            return {}
        objects = self.objects()
        names = objects["heaters"]["available_sensors"]
        return {name: objects[name] for name in names if name in objects}

    def say(self, line: str) -> None:
        """A line on the console of everybody who looks at this printer."""
        if line == END:
            self.prompter.closed()
        self._line(line)

    def _line(self, line: str) -> None:
        self.console.add(line, time.time(), "response")
        self.hub.broadcast(notification("notify_gcode_response", [line]))

    def hide_message(self) -> None:
        self._hide_message = True
        self._again()

    # ---- doing ------------------------------------------------------------------------------

    async def command(self, command: Command) -> CommandResult:
        """Through the fleet: permission, capability and proof are decided there."""
        return await self.fleet.command(self.name, command, "virtual")

    async def save(self, namespace: str) -> None:
        if self._save is not None:
            await self._save(namespace, self.overlay.stored.get(namespace, {}))

    def close(self) -> None:
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        self.hub.close(1001, "Server Shutdown")
