# All virtual printers of one Moonraker
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Made by ``moonraker_adapter``, which adds the sockets; no Moonraker in here."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Callable, Optional

from .jsonrpc import notification
from .methods.history import moonraker_job
from .printer import VirtualPrinter

if TYPE_CHECKING:
    from ..core.jobs import JobRecord
    from ..fleet import Fleet
    from ..printer import Change

logger = logging.getLogger(__name__)


class VirtualPrinters:
    def __init__(
        self,
        fleet: Fleet,
        make: Callable[[str], VirtualPrinter],
        unmake: Callable[[VirtualPrinter], None] = lambda virtual: None,
    ) -> None:
        """``make`` and ``unmake`` also open and close the way to a printer's sockets."""
        self.fleet = fleet
        self.printers: dict[str, VirtualPrinter] = {}
        self._make = make
        self._unmake = unmake
        self._unlisten: list[Callable[[], None]] = []
        self._ticker: Optional[asyncio.Task[None]] = None

    def start(self) -> None:
        """Every bridged printer; the local one has the host's own Moonraker."""
        self.follow()
        self._unlisten = [
            self.fleet.listen(self._changed),
            self.fleet.listen_jobs(self._job_step),
            self.fleet.listen_members(lambda _name, _present: self.follow()),
        ]
        self._ticker = asyncio.ensure_future(self._tick())

    def follow(self) -> None:
        """Printers come, go and change their settings while the fleet runs."""
        printers = {printer.name: printer for printer in self.fleet.printers()}
        for name, virtual in list(self.printers.items()):
            if printers.get(name) is not virtual.printer:
                del self.printers[name]
                self._unmake(virtual)
                virtual.close()
        for name, printer in printers.items():
            if not printer.local and name not in self.printers:
                self.printers[name] = self._make(name)

    def user_gone(self, username: str) -> None:
        """Somebody logged out or was deleted: their sockets must show who they are again."""
        for virtual in self.printers.values():
            for client in list(virtual.hub.clients.values()):
                logout: Any = getattr(client.sink, "on_user_logout", None)
                if logout is not None:
                    logout(username)

    async def close(self) -> None:
        for unlisten in self._unlisten:
            unlisten()
        if self._ticker is not None:
            self._ticker.cancel()
            await asyncio.gather(self._ticker, return_exceptions=True)
        for virtual in self.printers.values():
            virtual.close()

    def _changed(self, change: Change) -> None:
        virtual = self.printers.get(change.printer)
        if virtual is None:
            self.follow()
        else:
            virtual.changed(change)

    def _job_step(self, record: JobRecord, action: str) -> None:
        virtual = self.printers.get(record.printer)
        if virtual is not None and action in ("added", "finished"):
            news = {"action": action, "job": moonraker_job(record.to_json())}
            virtual.hub.broadcast(notification("notify_history_changed", [news]))

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due = max(due + 1.0, loop.time())
            await asyncio.sleep(due - loop.time())
            try:
                self.follow()
            except Exception:
                logger.exception("virtual printers: a change of the fleet could not be followed")
            clients = sum(len(virtual.hub.clients) for virtual in self.printers.values())
            # Mainsail closes a socket that is silent for ten seconds
            alive = notification("notify_proc_stat_update", [{"websocket_connections": clients}])
            turn = list(self.printers.values())
            for number, virtual in enumerate(turn):
                if number:
                    # one after the other: all at once would hold up the host for a moment
                    await asyncio.sleep(max(0.0, due + number / len(turn) - loop.time()))
                if self.printers.get(virtual.name) is not virtual:
                    continue
                try:
                    virtual.tick(alive)
                except Exception:
                    logger.exception("virtual printer %s: tick failed", virtual.name)
