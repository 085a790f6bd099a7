# Moonraker glue: life cycle and registration
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Builds the house from moonraker.conf, opens it, and closes it cleanly.

``/server/restart`` makes a new component in the same Python process: nothing here or below keeps
state in modules or classes. The last database writes belong into ``on_exit``; the database is
closed before optional components are.
"""

from __future__ import annotations

import asyncio
import html
import logging
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Optional

from . import console, heaters, panel_routes
from .api import Api
from .bridges.base import BridgeHost, PrinterSettings
from .bridges.klipper import KlipperBridge
from .config import read_config
from .core.errors import one_line
from .energy import EnergyWatch
from .fleet import LOCAL, Fleet
from .history import History
from .history.maintenance import Counter
from .local_eta import LocalEta
from .managed import ManagedPrinters
from .merged_history import MergedHistory, local_job
from .notifiers import Notifiers
from .notify import StatusFeed
from .printers_api import PrintersApi
from .record import Recorder
from .storage import DatabaseStore

if TYPE_CHECKING:
    from moonraker.common import KlippyState
    from moonraker.confighelper import ConfigHelper

logger = logging.getLogger("moonfleet")
VERSION = "0.1.0"
API_VERSION = [1, 0, 0]
EVENTS = {
    "moonfleet:status_update": "moonfleet_status_update",
    "moonfleet:history_changed": "moonfleet_history_changed",
    "moonfleet:event": "moonfleet_event",
}


class Moonfleet:
    def __init__(self, config: ConfigHelper) -> None:
        self.server = config.get_server()
        self.warnings: dict[str, str] = {}
        self.klippy = self.server.lookup_component("klippy_apis")
        database = self.server.lookup_component("database")
        self.history = History(database)
        self.store = DatabaseStore(database, self.history)
        self.fleet = Fleet(self.store)
        self.local: Optional[KlipperBridge] = None
        self.virtual: dict[str, Any] = {"enabled": False, "reason": None}
        self._tasks: set[asyncio.Task[None]] = set()
        self.recorder = Recorder(self.fleet, self.history, self._job_step)
        self._add_printers(config)
        for event, name in EVENTS.items():
            self.server.register_notification(event, name)
        self.feed = StatusFeed(self.fleet, self._send_status)
        self.fleet.listen_events(lambda event: self._send("moonfleet:event", event))
        self.fleet.listen_events(self._announce)
        self.fleet.listen_events(lambda event: console.tell(self._find_virtual, event))
        self.managed = ManagedPrinters(self.fleet, self.recorder.close_orphans)
        self.notifiers = Notifiers(self.fleet, self._find_notifiers)
        self.energy = EnergyWatch(self.fleet, self._find_sensors)
        self.merged = merged = MergedHistory(self.history, self._ask_moonraker)
        Api(self.server, self.fleet, merged, self.status, self._job_step).register()
        PrintersApi(self.server, self.fleet, self.managed).register()
        panel_routes.register(self.server)
        self._install_virtual_printers()
        register = self.server.register_event_handler
        register("server:klippy_started", self._klippy_started)
        register("server:klippy_ready", self._klippy_ready)
        register("server:klippy_shutdown", self._klippy_shutdown)
        register("server:klippy_disconnect", self._klippy_gone)
        register("history:history_changed", self._local_job_step)

    # ---- life -------------------------------------------------------------------------------

    async def component_init(self) -> None:
        """Nothing long in here: Moonraker starts to serve only when it returns."""
        for index, text in enumerate(self.notifiers.unknown()):
            self.warn(f"moonfleet_notifier_{index}", text)
        for index, text in enumerate(self.energy.unknown()):
            self.warn(f"moonfleet_energy_{index}", text)
        await self.managed.load()
        self._spawn(self._start())

    async def _start(self) -> None:
        await self._try(self.recorder.start())
        await self._try(self.history.configure_maintenance(self._counters()))
        await self.fleet.start()
        await self._try(self.recorder.close_orphans())
        await self._try(self.recorder.learn_all())
        self.energy.start()
        if await self.store.load_text(LOCAL, "seen"):
            await self._join_local()

    async def _try(self, work: Coroutine[Any, Any, None]) -> None:
        """Printers are watched also where the history cannot be read."""
        try:
            await work
        except Exception:
            logger.exception("moonfleet: the history cannot be read as it should")

    async def on_exit(self) -> None:
        """The printers first: what they say after the last write would be lost."""
        for task in list(self._tasks):
            task.cancel()
        self.feed.close()
        await self.notifiers.stop()
        await self.energy.stop()
        await self.fleet.stop()
        await self.fleet.save()
        await self.recorder.stop()

    def _install_virtual_printers(self) -> None:
        try:
            from . import moonraker_adapter
        except ImportError as error:
            self.virtual = {"enabled": False, "reason": one_line(f"not available: {error}")}
            self.warn("moonfleet_virtual", f"moonfleet: virtual printers are off: {error}")
            return
        reason = moonraker_adapter.install_virtual_printers(self.server, self.fleet, self.history)
        moonraker_adapter.install_export(self.server, self.merged)
        self.virtual = {"enabled": reason is None, "reason": reason}
        if reason is not None:
            self.warn("moonfleet_virtual", f"moonfleet: virtual printers are off: {reason}")

    # ---- printers ---------------------------------------------------------------------------

    def _add_printers(self, config: ConfigHelper) -> None:
        found = read_config(config)
        self.history.prices = found.prices
        self.local_eta = LocalEta(config, self.fleet, found.eta_sensors)
        if self.local_eta.fault is not None:
            self.warn("moonfleet_local_eta", self.local_eta.fault)
        for settings, bridge_type in found.printers:
            self.fleet.add(settings, bridge_type.create)
        for broken in found.broken:
            self.fleet.add_broken(broken.settings, broken.message)
        for warn_id, text in found.warnings.items():
            self.warn(warn_id, text)
        if found.printers and heaters.MISSING is not None:
            self.warn("moonfleet_thermal", heaters.MISSING)

    def _counters(self) -> list[Counter]:
        return [
            Counter(printer.name, name, unit, threshold)
            for printer in self.fleet.printers()
            for name, unit, threshold in printer.settings.maintenance
        ]

    def warn(self, warn_id: str, text: str) -> None:
        """Shown by both interfaces, which render it as HTML."""
        self.warnings[warn_id] = text
        self.server.add_warning(html.escape(text, quote=False), warn_id)

    def _find_notifiers(self) -> Mapping[str, Any]:
        """Moonraker's own, by name; there are none without a [notifier] section."""
        notifier = self.server.lookup_component("notifier", None)
        return getattr(notifier, "notifiers", None) or {}

    def _find_virtual(self, name: str) -> Any:
        """The virtual printer of this name, where there are any."""
        installation = self.server.lookup_component("moonfleet_virtual", None)
        return None if installation is None else installation.virtual.printers.get(name)

    def _find_sensors(self) -> Mapping[str, Any]:
        """Moonraker's own, by name; there are none without a [sensor] section."""
        sensors = self.server.lookup_component("sensor", None)
        return getattr(sensors, "sensors", None) or {}

    # ---- the local Klipper ------------------------------------------------------------------

    async def _join_local(self) -> KlipperBridge:
        """It joins when Klipper is first seen, and is expected from then on."""
        if self.local is None:
            settings = PrinterSettings(LOCAL, "klipper", "Klipper")
            await self.fleet.join(settings, self._make_local)
            await self.store.store_text(LOCAL, "seen", "yes")
        assert self.local is not None  # made by join, before its first pause
        return self.local

    def _make_local(self, _settings: PrinterSettings, host: BridgeHost) -> KlipperBridge:
        self.local = KlipperBridge(self.klippy, host, self.fleet.monotonic)
        return self.local

    async def _klippy_started(self, state: KlippyState) -> None:
        local = await self._join_local()
        if str(state) != "ready":
            local.shut_down(str(getattr(state, "message", "") or state))

    async def _klippy_ready(self) -> None:
        await (await self._join_local()).ready()

    async def _klippy_shutdown(self) -> None:
        state = self.server.lookup_component("klippy_connection").state
        (await self._join_local()).shut_down(str(getattr(state, "message", "") or state))

    def _klippy_gone(self) -> None:
        if self.local is not None:
            self.local.gone()

    # ---- the record and the news ----------------------------------------------------------------

    def _job_step(self, action: str, job: dict[str, Any]) -> None:
        self._send("moonfleet:history_changed", {"action": action, "job": job})

    def _local_job_step(self, news: Mapping[str, Any]) -> None:
        """A job of the local Klipper, from Moonraker's own history."""
        if news["action"] == "added":
            self.local_eta.job_started()
        self._job_step(news["action"], local_job(news["job"]))

    async def _ask_moonraker(self, method: str, **params: Any) -> Any:
        transport = self.server.lookup_component("internal_transport")
        return await transport.call_method(method, **params)

    def _announce(self, event: Mapping[str, Any]) -> None:
        """Maintenance waits in both interfaces' bell until somebody dismisses it."""
        announcements = self.server.lookup_component("announcements", None)
        if event["type"] != "maintenance_due" or announcements is None:
            return
        title = f"{self.fleet.printer(event['printer']).settings.display_name}: {event['counter']}"
        text = f"Maintenance is due. Reset the counter '{event['counter']}' when it is done."
        try:
            announcements.add_internal_announcement(
                html.escape(title), html.escape(text), "/server/moonfleet/ui", "normal", "moonfleet"
            )
        except AttributeError as error:
            # Moonraker 0.9.3 stores it and then stumbles over its own news of it
            logger.debug("moonfleet: announcement: %s", error)

    def _send_status(self, news: dict[str, Any], eventtime: float) -> None:
        self._send("moonfleet:status_update", news, eventtime)

    def _send(self, event: str, *args: Any) -> None:
        self.server.send_event(event, *args)

    def status(self) -> dict[str, Any]:
        printers = {
            printer.name: {
                "state": printer.connection.state.value,
                "message": printer.connection.message,
            }
            for printer in self.fleet.printers()
        }
        trouble = [] if self.history.trouble is None else [self.history.trouble]
        return {
            "version": VERSION,
            "api_version": API_VERSION,
            "printers": printers,
            "virtual_printers": dict(self.virtual),
            "eta": {"bridged": heaters.MISSING is None, "reason": heaters.MISSING},
            "warnings": [*self.warnings.values(), *trouble],
        }

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Moonraker 0.9.3 has no create_task of its own that keeps a reference."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.error("moonfleet: did not start", exc_info=task.exception())
