# The fleet: owns the printers, fans out their changes, decides who may do what
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Everything that happens to any printer passes through here; see docs/architecture.md.

No Moonraker in here: the component hands in the clock's fellow, a ``FleetStore``, and listens.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping
from typing import Any, Callable, Optional, Protocol

from .bridges.base import BridgeCamera, BridgeFiles, Link, PrinterSettings
from .core.commands import Action, Command, CommandResult, Verdict
from .core.errors import MoonfleetError, NotConnected, UnknownPrinter, one_line
from .core.guards import GuardAction, GuardAlert
from .core.jobs import JobEvent, JobRecord, JobTracker
from .core.model import JobRules
from .events import EventMaker
from .member import CreateBridge, Member
from .printer import LOCAL, Change, Printer

__all__ = ["LOCAL", "Change", "Fleet", "FleetStore", "Printer"]

logger = logging.getLogger("moonfleet")
TICK = 1.0  # s
SAVE_EVERY = 60  # ticks: one write a minute at most, SD cards wear


class FleetStore(Protocol):
    """Small texts and open jobs that outlive a restart; Moonraker's database in real life."""

    async def load_text(self, printer: str, key: str) -> Optional[str]: ...

    async def store_text(self, printer: str, key: str, value: Optional[str]) -> None: ...

    async def load_open_jobs(self) -> Mapping[str, Mapping[str, Any]]: ...

    def save_open_job(self, printer: str, job: Optional[Mapping[str, Any]]) -> None: ...


class Fleet:
    """Add printers, ``start``, ``listen``, ``command``, ``stop``."""

    def __init__(
        self,
        store: FleetStore,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.store = store
        self.clock = clock
        self.monotonic = monotonic
        self.events = EventMaker(clock, monotonic)
        self._members: dict[str, Member] = {}
        self._listeners: list[Callable[[Change], None]] = []
        self._member_listeners: list[Callable[[str, bool], None]] = []
        self._job_listeners: list[Callable[[JobRecord, str], None]] = []
        self._ticker: Optional[asyncio.Task[None]] = None
        self._guarding: set[asyncio.Task[None]] = set()

    # ---- who is in it -----------------------------------------------------------------------

    def add(self, settings: PrinterSettings, create: CreateBridge) -> Member:
        """A printer with a bridge; it runs from ``start`` on."""
        member = self._members[settings.name] = Member(self, settings)
        member.build(create)
        return member

    def admit(self, settings: PrinterSettings, create: CreateBridge) -> Member:
        """A printer that lives in the database; those who listen have seen the others already."""
        member = self.add(settings, create)
        member.printer.managed = True
        _call(self._member_listeners, settings.name, True)
        return member

    async def join(
        self, settings: PrinterSettings, create: CreateBridge, *, managed: bool = False
    ) -> None:
        """A printer that comes while the fleet runs; ``managed``: it lives in the database."""
        member = self.add(settings, create)
        member.printer.managed = managed
        open_jobs = {} if member.printer.local else await self.store.load_open_jobs()
        await member.start(open_jobs.get(settings.name))
        _call(self._member_listeners, settings.name, True)

    async def leave(self, name: str) -> None:
        """A printer goes while the fleet runs; what it did stays on record."""
        member = self._member(name)
        await member.stop()
        self.save_open(member)
        del self._members[name]
        self.events.forget(name)
        _call(self._member_listeners, name, False)

    async def repin(self, name: str) -> None:
        """Trust the certificate that the printer shows next."""
        bridge = self._member(name).bridge
        if bridge is None:
            raise NotConnected(f"{name}: its section cannot be used")
        await bridge.repin()

    def add_broken(self, settings: PrinterSettings, message: str) -> None:
        """A printer whose section cannot be used; it is shown with the reason."""
        member = self._members[settings.name] = Member(self, settings)
        member.fail(Link.CONFIG_ERROR, message)

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._members, key=lambda name: (name != LOCAL, name)))

    def printer(self, name: str) -> Printer:
        return self._member(name).printer

    def camera(self, name: str) -> Optional[BridgeCamera]:
        """The printer's camera, once its bridge knows that there is one."""
        bridge = self._member(name).bridge
        return None if bridge is None else bridge.camera

    def files(self, name: str) -> Optional[BridgeFiles]:
        """The printer's storage, where its protocol reaches it."""
        bridge = self._member(name).bridge
        return None if bridge is None else bridge.files

    def printers(self) -> list[Printer]:
        return [self._members[name].printer for name in self.names()]

    def _member(self, name: str) -> Member:
        member = self._members.get(name)
        if member is None:
            known = ", ".join(self.names()) or "none"
            raise UnknownPrinter(f"no printer named '{one_line(str(name)[:40])}'; known: {known}")
        return member

    # ---- life -------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to connect everywhere; one printer that cannot start harms no other."""
        open_jobs = await self.store.load_open_jobs()
        for name, member in list(self._members.items()):
            await member.start(open_jobs.get(name))
        self._ticker = asyncio.ensure_future(self._tick())

    async def stop(self) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
            await asyncio.gather(self._ticker, return_exceptions=True)
        for task in list(self._guarding):
            task.cancel()
        await asyncio.gather(*(member.stop() for member in self._members.values()))

    async def save(self) -> None:
        """Write what only memory knows; the last writes before the database closes."""
        for name, member in list(self._members.items()):
            self.save_open(member)
            learned = member.heaters.unsaved()
            if learned is not None:
                await self.store.store_text(name, "heaters", learned)

    # ---- listening --------------------------------------------------------------------------

    def listen(self, callback: Callable[[Change], None]) -> Callable[[], None]:
        return _subscribe(self._listeners, callback)

    def listen_members(self, callback: Callable[[str, bool], None]) -> Callable[[], None]:
        """``callback(name, present)`` when a printer has joined or left while the fleet runs."""
        return _subscribe(self._member_listeners, callback)

    def listen_events(self, callback: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
        return self.events.listen(callback)

    def listen_jobs(self, callback: Callable[[JobRecord, str], None]) -> Callable[[], None]:
        return _subscribe(self._job_listeners, callback)

    # ---- commands ---------------------------------------------------------------------------

    async def command(self, name: str, command: Command, origin: str) -> CommandResult:
        """Raises UnknownPrinter, Forbidden, NotSupported or NotConnected; otherwise a verdict."""
        return await self._member(name).commander.run(command, origin)

    # ---- what the members report -------------------------------------------------------------

    def publish(self, change: Change) -> None:
        printer = self.printer(change.printer)
        self.events.observe(change, printer)
        _call(self._listeners, change)

    def job_event(self, printer: Printer, event: JobEvent) -> None:
        """The local printer's jobs are in Moonraker's own history, never copied into ours."""
        if not printer.local:
            _call(self._job_listeners, event.record, event.action)
            self.save_open(self._members[printer.name])
        self.events.job(printer, event)

    def command_done(
        self, printer: Printer, command: Command, origin: str, result: CommandResult
    ) -> None:
        self.events.command(printer, command, origin, result)

    def guard_alert(self, printer: Printer, alert: GuardAlert) -> None:
        """Told at once, or when it is known whether the printer obeyed."""
        if alert.action is GuardAction.NOTIFY:
            self.events.guard(printer.name, alert, None)
            return
        task = asyncio.ensure_future(self._guard_pause(printer.name, alert))
        self._guarding.add(task)
        task.add_done_callback(self._guarding.discard)

    async def _guard_pause(self, name: str, alert: GuardAlert) -> None:
        try:
            result = await self.command(name, Command(Action.PAUSE), "guard")
        except MoonfleetError as error:
            result = CommandResult(Verdict.REJECTED, str(error))
        self.events.guard(name, alert, result)

    def note_energy(self, name: str, reading: float) -> None:
        """kWh on the meter that this printer hangs on."""
        self._member(name).note_energy(reading)

    def make_tracker(
        self, name: str, rules: JobRules, open_job: Optional[Mapping[str, Any]]
    ) -> JobTracker:
        return JobTracker(name, rules, open_job)

    # ---- inside -----------------------------------------------------------------------------

    def save_open(self, member: Member) -> None:
        """What its job tracker must not forget."""
        if member.tracker is not None and not member.printer.local:
            self.store.save_open_job(member.printer.name, member.tracker.to_dict())

    async def _tick(self) -> None:
        turn, told = 0, ""
        while True:
            await asyncio.sleep(TICK)
            turn += 1
            now = self.clock()
            for member in list(self._members.values()):
                member.tick(now)
            # one mistake here must not stop the seconds of every printer
            try:
                self.events.tick()
                if turn % SAVE_EVERY == 0:
                    await self.save()
            except Exception as error:
                if str(error) != told:
                    told = str(error)
                    logger.exception("moonfleet: could not tell or save what became of a second")


def _subscribe(
    items: list[Callable[..., None]], callback: Callable[..., None]
) -> Callable[[], None]:
    items.append(callback)

    def remove() -> None:
        if callback in items:
            items.remove(callback)

    return remove


def _call(listeners: Iterable[Callable[..., None]], *args: Any) -> None:
    for callback in list(listeners):
        try:
            callback(*args)
        except Exception:
            logger.exception("moonfleet: a listener failed")
