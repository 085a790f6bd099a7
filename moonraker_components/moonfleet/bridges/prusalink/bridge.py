# A PrusaLink printer: polls, commands, and the way back after trouble
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Joins the pure protocol to the transport; see docs/prusalink.md for what can and cannot work."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import Any, Optional

from ...core.commands import Action, Command
from ...core.errors import AnswerLost, CommandRejected, NotConnected
from ...core.model import JobRules, PrinterSnapshot, PrintState
from ...core.proofs import confirmed
from ..base import (
    Bridge,
    BridgeHost,
    BridgeType,
    Connection,
    Link,
    PrinterSettings,
    register_bridge_type,
)
from .discovery import discover, probe
from .files import PrusaLinkFiles
from .protocol.identity import Flavour
from .protocol.ledger import JobLedger
from .protocol.memory import IDLE_CONFIRMATIONS, PrinterMemory
from .requests import actions_of, request_for
from .schedule import Pace, offline_delay, poll_delay, spread
from .settings import DEFAULT_PORT, Credentials, address_of, parse_options
from .transport import LinkFault, PrusaLinkHttp, Reply

LEDGER = "jobs"  # the key under which the job ids' story is remembered
_ENDS = (PrintState.COMPLETE, PrintState.CANCELLED, PrintState.ERROR)
_OF_THE_JOB = (Action.PAUSE, Action.RESUME, Action.CANCEL)
_AT_ONCE = (Link.AUTH_FAILED, Link.CONFIG_ERROR, Link.CONNECTING)


class PrusaLinkBridge(Bridge):
    rules = JobRules(
        idle_confirmations=IDLE_CONFIRMATIONS,
        finish_slack=120.0,
        names_ends=False,  # the job is gone in the instant it ends
        idle_status="cancelled",  # STOPPED is shown for eleven seconds only
    )
    confirm_timeout = 30.0  # the printer parks before it calls a job stopped

    def __init__(
        self, settings: PrinterSettings, host: BridgeHost, pace: Optional[Pace] = None
    ) -> None:
        self._host = host
        self._pace = pace or Pace()
        self._section = f"[moonfleet {settings.name}]"
        self._address = address_of(settings)
        credentials = settings.options.get("credentials")
        self._credentials = credentials if isinstance(credentials, Credentials) else Credentials()
        self._http = PrusaLinkHttp(self._address, self._credentials, self._pace, self._section)
        self._memory = PrinterMemory(settings.options.get("model"))
        self.actions = actions_of(None)
        self.files = PrusaLinkFiles(self._http, self._credentials, lambda: self._memory.flavour)
        self._stored_ledger: Optional[str] = None
        self._task: Optional[asyncio.Task[None]] = None
        self._wake: Optional[asyncio.Future[bool]] = None
        self._connection = Connection()
        self._identified = False
        self._snapshot = PrinterSnapshot()
        self._failures = self._refusals = self._attempt = 0
        self._asked_who = -1e9
        self._file_asked = -1e9
        self._file_for: Optional[int] = None
        self._material_for: Optional[int] = None
        self._waiting: Optional[tuple[Command, PrinterSnapshot]] = None
        self._waiting_until = 0.0
        self._ended_at: Optional[float] = None

    # -- life ---------------------------------------------------------------------------------

    async def start(self) -> None:
        self._task = asyncio.ensure_future(self._run())

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self._http.close()

    async def refresh(self) -> None:
        self._waiting_until = self._clock() + self._pace.boost
        if self._wake is not None:
            _resolve(self._wake, True)

    def debug(self) -> Mapping[str, Any]:
        memory = self._memory
        return {
            "address": str(self._address),
            "flavour": memory.flavour.value if memory.flavour else None,
            "printer_state": memory.word,
            "job_id": memory.job_id,
            "failures": self._failures,
        }

    # -- commands -----------------------------------------------------------------------------

    async def send(self, command: Command) -> None:
        if self._connection.state is not Link.ONLINE:
            raise NotConnected(self._connection.message or "the printer is not connected")
        before, seen = self._snapshot, self._memory.job_id
        try:
            # the job's id and the digest nonce are fresh after this, and so is the connection
            await self._poll(last=True)
        except LinkFault as fault:
            raise NotConnected(fault.message) from None
        job = self._memory.job_id
        if command.action in _OF_THE_JOB and None not in (seen, job) and seen != job:
            raise CommandRejected("another job has begun meanwhile")
        request = request_for(command, job, self._memory.flavour)
        try:
            reply = await self._http.request(request.method, request.path)
        except LinkFault as fault:
            if fault.refused or fault.link in _AT_ONCE:  # it did not get that far
                raise NotConnected(fault.message) from None
            raise AnswerLost(f"{fault.message}; it may have obeyed") from None
        if not reply.ok:
            raise CommandRejected(self._refusal(command, reply))
        if command.action is Action.CANCEL:
            self._memory.note_cancel()
        self._waiting = (command, before)
        await self.refresh()

    def _refusal(self, command: Command, reply: Reply) -> str:
        if reply.status == 404 and command.action is Action.START:
            return f"the printer has no file '{str(command.params.get('filename'))[:60]}'"
        return "the printer refuses: " + self._credentials.scrub(reply.reason())

    # -- the loop -----------------------------------------------------------------------------

    def _clock(self) -> float:
        return asyncio.get_running_loop().time()

    async def _run(self) -> None:
        self._stored_ledger = await self._host.load(LEDGER)
        self._memory.ledger = JobLedger.from_text(self._stored_ledger)
        while True:
            try:
                await self._round()
            except LinkFault as fault:
                delay = self._trouble(fault)
            except asyncio.CancelledError:
                raise
            except Exception:
                # a mistake of ours in one answer must not end the polling of this printer
                self._host.logger.exception("prusalink: an answer could not be used")
                delay = self._trouble(LinkFault(Link.FAULT, "an answer could not be used"))
            else:
                delay = self._next_delay()
            await self._sleep(spread(delay, self._pace.jitter, random.random()))

    async def _sleep(self, delay: float) -> None:
        """Until it is time or a command wakes us. No ``wait_for``: before Python 3.12 it swallows
        a cancel that comes together with the result, and ``stop`` would wait for ever."""
        loop = asyncio.get_running_loop()
        self._wake = wake = loop.create_future()
        timer = loop.call_later(delay, _resolve, wake, False)
        try:
            woken = await wake
        finally:
            timer.cancel()
        if woken:  # the effect of a command takes a moment, and the server is small
            await asyncio.sleep(min(delay, self._pace.fast / 2))

    async def _round(self) -> None:
        if not self._identified or self._half_known():
            await self._identify()
        await self._poll()
        self._failures = self._refusals = self._attempt = 0
        self._identified = True
        self._turn(Link.ONLINE, None)
        await self._ask_about_job()
        ledger = self._memory.ledger.to_text()
        if ledger != self._stored_ledger:
            self._stored_ledger = ledger
            await self._host.store(LEDGER, ledger)

    async def _identify(self) -> None:
        where, self._asked_who = str(self._address), self._clock()
        version = await self._http.get("/api/version")
        identity = self._memory.take_version(version.document()) if version.ok else None
        if identity is None:
            raise LinkFault(
                Link.FAULT,
                f"{where} answers, but not as PrusaLink does ({self._shape(version)}): "
                "check host and port",
            )
        if identity.refusal is not None:
            raise LinkFault(Link.FAULT, f"{where}: {identity.refusal}")
        self.actions = actions_of(identity.flavour)
        info = await self._http.get("/api/v1/info")
        if info.status == 404:
            raise LinkFault(
                Link.FAULT,
                f"{where} has an old firmware without PrusaLink's v1 interface: "
                "update it to 5.1 or later",
            )
        if not info.ok:
            raise LinkFault(Link.UNREACHABLE, f"{where} does not say who it is ({info.status})")
        self._memory.take_info(info.document())
        if not self._identified:
            self._file_asked = -1e9

    def _half_known(self) -> bool:
        """The Python server answers before it has asked the printer who it is."""
        memory = self._memory
        known = memory.flavour is Flavour.BUDDY or memory.firmware is not None
        if known and memory.ledger.serial is not None:
            return False
        return self._clock() - self._asked_who >= self._pace.job_retry

    async def _poll(self, *, last: bool = False) -> None:
        reply = await self._http.get("/api/v1/status", last=last)
        snapshot = self._memory.take_status(reply.document()) if reply.ok else None
        if snapshot is None:
            raise LinkFault(
                Link.FAULT,
                f"{self._address} answers, but not as PrusaLink does ({self._shape(reply)}): "
                "check host and port",
            )
        self._publish(snapshot)

    def _publish(self, snapshot: PrinterSnapshot) -> None:
        if snapshot.state is not self._snapshot.state:
            self._ended_at = self._clock() if snapshot.state in _ENDS else None
            if self._snapshot.state is PrintState.PAUSED:
                self._material_for = None  # filament is changed in a pause
        self._snapshot = snapshot
        if self._waiting is not None and confirmed(*self._waiting, snapshot):
            self._waiting, self._waiting_until = None, 0.0
        self._host.on_snapshot(snapshot)

    async def _ask_about_job(self) -> None:
        """The file of a new job, once, and what is loaded, once more after each pause."""
        memory = self._memory
        job_id = memory.job_id
        if memory.wants_file and self._clock() - self._file_asked >= self._file_pause(job_id):
            self._file_asked, self._file_for = self._clock(), job_id
            reply = await self._http.get("/api/v1/job")
            if reply.status == 200 and memory.take_job(reply.document()):
                self._publish(memory.snapshot())
        if memory.flavour is Flavour.BUDDY and job_id not in (None, self._material_for):
            self._material_for = job_id
            reply = await self._http.get("/api/printer")
            if reply.ok:
                memory.take_material(reply.document())
                self._publish(memory.snapshot())

    def _file_pause(self, job_id: Optional[int]) -> float:
        return self._pace.job_retry if job_id == self._file_for else 0.0

    def _next_delay(self) -> float:
        now = self._clock()
        return poll_delay(
            self._pace,
            self._snapshot,
            self._memory.flavour,
            heating=self._memory.heating(),
            waiting=now < self._waiting_until,
            since_end=None if self._ended_at is None else now - self._ended_at,
        )

    # -- trouble ------------------------------------------------------------------------------

    def _trouble(self, fault: LinkFault) -> float:
        """Show what is wrong, unless it may be gone with the next poll; seconds to wait."""
        self._failures += 1
        self._refusals = self._refusals + 1 if fault.refused else 0
        link = Link.UNREACHABLE if fault.link is Link.STALE else fault.link
        certain = (
            link in _AT_ONCE
            or (link is Link.FAULT and not self._identified)
            or self._failures >= self._pace.failures
            or self._refusals >= self._pace.refusals
        )
        if not certain:
            return self._pace.fast
        self._identified = False
        self._turn(link, self._credentials.scrub(fault.message))
        if link is Link.AUTH_FAILED:
            return self._pace.wrong_credentials * (1.0 + 2.0 * self._pace.jitter)
        if link is Link.CONNECTING:
            return self._pace.active
        self._attempt += 1
        return offline_delay(self._pace, self._attempt - 1)

    def _turn(self, state: Link, message: Optional[str]) -> None:
        known = self._connection
        if (known.state, known.message) == (state, message):
            return
        now = self._host.now()
        online = state is Link.ONLINE
        came_back = online and known.state is not Link.CONNECTING
        self._connection = Connection(
            state,
            message,
            since=known.since if known.state is state else now,
            last_report=now if online else known.last_report,
            reconnects=known.reconnects + (1 if came_back else 0),
        )
        if online:
            self._host.logger.info("prusalink: connected to %s", self._address)
        else:
            self._host.logger.warning("prusalink: %s", message)
        self._host.on_connection(self._connection)

    @staticmethod
    def _shape(reply: Reply) -> str:
        if "html" in reply.content_type:
            return "a web page" if reply.ok else f"a web page, status {reply.status}"
        return f"status {reply.status}" if not reply.ok else "no valid JSON"


def _resolve(future: asyncio.Future[bool], value: bool) -> None:
    if not future.done():
        future.set_result(value)


def create(settings: PrinterSettings, host: BridgeHost) -> PrusaLinkBridge:
    return PrusaLinkBridge(settings, host)


register_bridge_type(
    BridgeType(
        name="prusalink",
        label="Prusa (PrusaLink)",
        parse=parse_options,
        create=create,
        default_port=DEFAULT_PORT,
        discover=discover,
        probe=probe,
    )
)
