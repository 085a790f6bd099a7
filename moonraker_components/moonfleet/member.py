# One printer at work: its bridge, its job tracker, its heaters
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""What the fleet gives to a bridge, and what it does with each report."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Callable, Optional

from .bridges.base import Bridge, BridgeHost, Connection, Link, PrinterSettings
from .commanding import Commander
from .core.commands import Command, CommandResult
from .core.errors import one_line
from .core.guards import Guard, GuardRules
from .core.heatup import HeatUpMeter
from .core.model import PrinterSnapshot
from .core.secret import Secret
from .heaters import HeaterWatch
from .printer import Change, Printer

if TYPE_CHECKING:
    from .core.jobs import JobEvent, JobTracker
    from .fleet import Fleet

STOP_TIMEOUT = 2.5  # s; a bridge has two to disconnect
SECTION_TO_CHECK = (
    Link.AUTH_FAILED,
    Link.TLS_ERROR,
    Link.REFUSED,
    Link.UNREACHABLE,
    Link.FAULT,
)
CreateBridge = Callable[[PrinterSettings, BridgeHost], Bridge]


class Member(BridgeHost):
    """Joins one bridge to the rest of the house; nothing in here raises into the bridge."""

    def __init__(self, fleet: Fleet, settings: PrinterSettings) -> None:
        self.fleet = fleet
        self.logger = _logger_of(settings.name)
        self.bridge: Optional[Bridge] = None
        self.tracker: Optional[JobTracker] = None
        self.printer = Printer(settings, frozenset(), fleet.clock, fleet.monotonic)
        self.heaters = HeaterWatch(settings.name, fleet.monotonic)
        self.meter = HeatUpMeter()
        self.commander = Commander(self)
        self.guard = Guard(settings.guards) if settings.guards != GuardRules() else None
        self._expectations: list[tuple[Callable[[PrinterSnapshot], bool], asyncio.Future[None]]]
        self._expectations = []
        self._told_fault: Optional[str] = None

    # ---- life -----------------------------------------------------------------------------

    def build(self, create: CreateBridge) -> None:
        """Make the bridge; a constructor that raises costs this printer only."""
        try:
            self.bridge = create(self.printer.settings, self)
        except Exception as error:
            self.logger.exception("%s: the bridge could not be made", self.printer.name)
            self.fail(Link.FAULT, f"the bridge could not be made: {error}")
            return
        self.printer.bridge_actions = frozenset(self.bridge.actions)

    def fail(self, state: Link, message: str) -> None:
        """This printer cannot run; it is shown with the reason."""
        self.printer.connection = Connection(state, one_line(message), self.fleet.clock())

    async def start(self, open_job: Optional[Mapping[str, Any]]) -> None:
        if self.bridge is None or self.tracker is not None:
            return
        self.tracker = self.fleet.make_tracker(self.printer.name, self.bridge.rules, open_job)
        self.printer.job = self.tracker.open
        if not self._predicts:
            await self.heaters.restore(self.load)
        try:
            await self.bridge.start()
        except Exception as error:
            self.logger.exception("%s: the bridge did not start", self.printer.name)
            self.fail(Link.FAULT, f"the bridge did not start: {error}")

    async def stop(self) -> None:
        await self.commander.stop()
        if self.bridge is None:
            return
        try:
            await asyncio.wait_for(self.bridge.stop(), STOP_TIMEOUT)
        except asyncio.TimeoutError:
            self.logger.warning("%s: the bridge did not stop in time", self.printer.name)
        except Exception:
            self.logger.exception("%s: the bridge failed to stop", self.printer.name)

    # ---- what a bridge may call -------------------------------------------------------------

    def now(self) -> float:
        return self.fleet.clock()

    async def load(self, key: str) -> Optional[str]:
        return await self.fleet.store.load_text(self.printer.name, key)

    async def store(self, key: str, value: Optional[str]) -> None:
        await self.fleet.store.store_text(self.printer.name, key, value)

    def on_snapshot(self, snapshot: PrinterSnapshot) -> None:
        try:
            self._take(snapshot)
        except Exception as error:
            # a report that we cannot digest must not end the bridge's reading loop
            self._tell_once(f"{type(error).__name__}: {error}")

    def on_connection(self, connection: Connection) -> None:
        try:
            self._turn(connection)
        except Exception as error:
            self._tell_once(f"{type(error).__name__}: {error}")

    def on_heaters(self, heaters: Mapping[str, Any]) -> None:
        if heaters != self.printer.heaters:
            self.printer.heaters = heaters
            self._changed(self.printer.snapshot, False, self.now())

    # ---- what the fleet and the commander ask -----------------------------------------------

    def tick(self, now: float) -> None:
        """Once a second: windows of the job tracker, and heaters that count down."""
        if self.bridge is None:
            return
        try:
            if self.tracker is not None:
                self._job_events(self.tracker.tick(now, self.fleet.monotonic()))
            self._watch()
            if not self._predicts and self.heaters.tick():
                self._changed(self.printer.snapshot, False, now)
        except Exception as error:
            self._tell_once(f"{type(error).__name__}: {error}")

    def expect(self, proof: Callable[[PrinterSnapshot], bool]) -> asyncio.Future[None]:
        """A future that a later snapshot fulfils."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (proof, future)
        self._expectations.append(entry)
        future.add_done_callback(lambda _: self._expectations.remove(entry))
        return future

    async def refresh(self) -> None:
        """Ask the bridge for a report soon; its failure changes nothing about the command."""
        assert self.bridge is not None
        try:
            await self.bridge.refresh()
        except Exception as error:
            self.logger.debug("refresh failed: %s", error)

    def user_cancel(self) -> None:
        if self.tracker is not None:
            self._job_events(self.tracker.user_cancel(self.now(), self.fleet.monotonic()))

    def note_energy(self, reading: float) -> None:
        if self.tracker is not None:
            self.tracker.note_energy(reading)

    def command_done(self, command: Command, origin: str, result: CommandResult) -> None:
        self.fleet.command_done(self.printer, command, origin, result)

    # ---- inside ---------------------------------------------------------------------------

    @property
    def _predicts(self) -> bool:
        return self.bridge is not None and self.bridge.predicts

    def _take(self, snapshot: PrinterSnapshot) -> None:
        printer, now = self.printer, self.now()
        before, printer.snapshot = printer.snapshot, snapshot
        printer.connection = replace(printer.connection, last_report=now)
        if self.tracker is not None:
            self.tracker.annotate(correction=printer.correction.ratio)
            self._job_events(self.tracker.observe(snapshot, now, self.fleet.monotonic()))
        heating = not self._predicts and self.heaters.observe(snapshot)
        if snapshot != before or heating:
            self._changed(before, False, now)
        self._watch()
        for proof, future in list(self._expectations):
            if not future.done() and proof(snapshot):
                future.set_result(None)

    def _turn(self, connection: Connection) -> None:
        printer, now = self.printer, self.now()
        before = printer.connection
        if connection.message is not None:
            connection = replace(connection, message=self._sentence(connection))
        if connection.since is None:
            same = connection.state is before.state
            connection = replace(connection, since=before.since if same else now)
        if connection.last_report is None:
            connection = replace(connection, last_report=before.last_report)
        printer.connection = connection
        if self.bridge is not None:  # only the connection tells which kind of printer it is
            printer.bridge_actions = frozenset(self.bridge.actions)
        if (before.state, before.message) == (connection.state, connection.message):
            return
        if before.state is Link.ONLINE and connection.state is not Link.ONLINE:
            self.heaters.lost()
            if self.tracker is not None:
                self._job_events(self.tracker.connection_lost(now, self.fleet.monotonic()))
        self._changed(printer.snapshot, True, now)

    def _sentence(self, connection: Connection) -> str:
        """Where a section is to be looked at, it is named, with the option that is in question."""
        text = one_line(connection.message or "")
        if self.printer.local or connection.state not in SECTION_TO_CHECK or text.startswith("["):
            return text
        settings = self.printer.settings
        where = f"[moonfleet {settings.name}]"
        secrets = [name for name, value in settings.options.items() if isinstance(value, Secret)]
        if connection.state is Link.AUTH_FAILED and secrets:
            return one_line(f"{where} option '{secrets[0]}': {text}")
        if not settings.host:
            return one_line(f"{where}: {text}")
        value = "" if settings.host in text else f" '{settings.host}':"
        return one_line(f"{where} option 'host':{value} {text}")

    def _watch(self) -> None:
        """The guard rules; without any it costs nothing."""
        if self.guard is None:
            return
        printer = self.printer
        now = self.fleet.monotonic()
        for alert in self.guard.observe(printer.snapshot, printer.online, now):
            self.fleet.guard_alert(printer, alert)

    def _job_events(self, events: list[JobEvent]) -> None:
        assert self.tracker is not None
        self.printer.job = self.tracker.open
        for event in events:
            if event.action == "added":
                self.meter.reset()
            self.fleet.job_event(self.printer, event)
        if self.tracker.urgent:
            self.fleet.save_open(self)

    def _changed(self, before: PrinterSnapshot, connection_changed: bool, now: float) -> None:
        printer = self.printer
        if not self._predicts:
            printer.heaters = self.heaters.estimates
        if self.meter.observe(self.fleet.monotonic(), printer.heaters) and self.tracker is not None:
            self.tracker.annotate(eta_error=self.meter.error)
        self.fleet.publish(
            Change(
                printer.name,
                before,
                printer.snapshot,
                printer.connection,
                connection_changed,
                printer.heaters,
                now,
            )
        )

    def _tell_once(self, text: str) -> None:
        """One log line per kind of trouble, not one per report."""
        if text != self._told_fault:
            self._told_fault = text
            self.logger.exception("%s: a report could not be used", self.printer.name)


class _Named(logging.Filter):
    """Moonraker's log shows no logger names: the line itself says which printer it is about."""

    def filter(self, record: logging.LogRecord) -> bool:
        printer, text = record.name.rpartition(".")[2], record.getMessage()
        if not text.startswith((f"{printer}:", f"[moonfleet {printer}]")):
            record.msg, record.args = f"{printer}: {text}", ()
        return True


def _logger_of(printer: str) -> logging.Logger:
    logger = logging.getLogger(f"moonfleet.{printer}")
    for old in list(logger.filters):  # loggers outlive a restart inside the process
        logger.removeFilter(old)
    logger.addFilter(_Named())
    return logger
