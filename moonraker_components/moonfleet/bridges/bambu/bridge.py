# Joins the wire and the protocol of one Bambu printer
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Connects, stays connected, turns reports into snapshots and commands into requests."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Optional

from ...core.commands import Action, Command
from ...core.errors import NotConnected
from ...core.model import Accepts, JobRules, PrintState
from ...core.secret import Secret
from ..base import Bridge, BridgeCamera, BridgeHost, Connection, Link, PrinterSettings
from .camera import JpegCamera
from .courier import Courier
from .dial import connect_tls
from .discovery import find
from .failures import LinkFailure
from .files import BambuFiles
from .ftps import FtpsSession
from .mqtt import MqttSession
from .options import CAMERA_PORT, FTPS_PORT
from .protocol import PrinterReports, Report, Version, parse
from .protocol.job import CANCEL_WINDOW
from .protocol.models import JPEG_CAMERA
from .protocol.requests import ACTIONS, FULL_REPORT, MODULES, START_REPORTS
from .timing import Timing
from .trust import Trust
from .watch import Step, Watch

PIN_KEY = "tls_pin"
USER = "bblp"
DEFAULT_PORT = 8883


class BambuBridge(Bridge):
    """One printer, one connection."""

    rules = JobRules(cancel_window=CANCEL_WINDOW, identity_settle=5.0)
    actions = ACTIONS
    confirm_timeout = 30.0

    def __init__(
        self, settings: PrinterSettings, host: BridgeHost, timing: Optional[Timing] = None
    ) -> None:
        self._settings = settings
        self._host = host
        self._timing = timing or Timing()
        options = settings.options
        self._serial: str = options["serial"]
        self._code: Secret = options["access_code"]
        mode = settings.tls or ("verify" if settings.ca_file else "pin")
        self._trust = Trust(mode, self._serial, settings.ca_file)
        self._address = settings.host
        self._port = settings.port or DEFAULT_PORT
        self.reports = PrinterReports(options.get("model"))
        self.files = BambuFiles(
            lambda: FtpsSession(
                self._address,
                options.get("ftps_port") or FTPS_PORT,
                self._trust,
                USER,
                self._code,
            ),
            self._load_pin,
            self._transfer_hurts,
            self._start_print,
        )
        self._jpeg_camera = JpegCamera(
            lambda: (self._address, options.get("camera_port") or CAMERA_PORT),
            self._trust,
            self._load_pin,
            USER,
            self._code,
        )
        self._connection = Connection()
        self._task: Optional[asyncio.Task[None]] = None
        self._courier = Courier(
            f"device/{self._serial}/request", self.reports, self._timing, self._clean
        )
        self._retry_now = asyncio.Event()
        self._watch: Optional[Watch] = None  # of this connection, or the last one

    # -- life ------------------------------------------------------------------------------

    async def start(self) -> None:
        if self._task is None:
            if self._trust.mode == "insecure":
                self._host.logger.warning(
                    "tls: insecure: the printer's identity is not checked, anybody in the network "
                    "can pose as it and learn its access code"
                )
            self._tell(Link.CONNECTING, None)
            self._task = asyncio.ensure_future(self._supervise())

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.wait([task, asyncio.ensure_future(self._jpeg_camera.stop())], timeout=2.0)

    async def repin(self) -> None:
        """Forget the remembered certificate: the next one that names our serial is accepted."""
        await self._host.store(PIN_KEY, None)
        self._retry_now.set()

    def debug(self) -> Mapping[str, Any]:
        return {
            "serial_tail": self._serial[-4:],
            "tls": self._trust.mode,
            "model": self.reports.model,
            "facts": len(self.reports.facts),
            "details": self.reports.details(),
        }

    async def _supervise(self) -> None:
        attempt = 0
        # not `while True`: wait_for may swallow the cancellation of `stop`
        while self._task is asyncio.current_task():
            self._retry_now.clear()
            schedule = self._timing.backoff
            try:
                await self._connect_once()
            except LinkFailure as failure:
                self._tell(failure.link, failure.message)
                if failure.link in (Link.AUTH_FAILED, Link.CONFIG_ERROR):
                    schedule = self._timing.auth_backoff
            except Exception:
                self._host.logger.exception("the connection ended unexpectedly")
                self._tell(Link.FAULT, "the connection ended unexpectedly; the log says why")
            watch = self._watch
            if watch is not None and watch.reported:
                lived = self._now() - watch.connected_at
                attempt = 0 if lived >= self._timing.steady else attempt
            delay = schedule.delay(attempt, random.random())
            attempt += 1
            if attempt >= self._timing.search_after:
                delay -= await self._search(min(delay, self._timing.search))
            # no wait_for: before Python 3.12 it swallows a cancel that comes with the result
            retry = asyncio.ensure_future(self._retry_now.wait())
            try:
                await asyncio.wait({retry}, timeout=max(0.0, delay))
            finally:
                retry.cancel()

    async def _search(self, seconds: float) -> float:
        """Listen whether the printer announces itself from another address; the time it took.

        The announcement is only a hint: certificate and pin decide. Without them, nothing is
        followed, or anybody could ask for the access code.
        """
        if self._connection.state not in _ELSEWHERE:
            return 0.0
        if not self._trust.knows(await self._load_pin()):
            return 0.0  # any certificate that names the serial would be the first contact
        begin = self._now()
        try:
            found = await find(self._serial, seconds, self._timing.ssdp_ports)
        except OSError:
            found = None  # no such socket on this host: nothing is heard
        if found is None:
            self._address = self._settings.host  # the configured one may be right again
        elif found != self._address:
            self._address = found
            self._host.logger.info("the printer announces itself from another address: trying it")
            self._retry_now.set()
        return self._now() - begin

    async def _connect_once(self) -> None:
        self._watch = None
        trust = self._trust
        sock = await connect_tls(self._address, self._port, trust.context())
        try:
            new_pin = trust.judge(sock.getpeercert(binary_form=True), await self._load_pin())
            if new_pin is not None:
                await self._host.store(PIN_KEY, new_pin)
                self._host.logger.info("the printer's certificate was pinned at first contact")
            session = MqttSession(sock, f"device/{self._serial}/report", self._take)
        except BaseException:
            sock.close()
            raise
        try:
            await session.open(USER, self._code, self._timing.connack)
            watch = self._watch = Watch(self._timing, self._now())
            self._courier.attach(session)
            self._courier.publish(MODULES)
            self._ask_full()
            await self._keep(session, watch)
        finally:
            self._courier.detach()
            session.close()

    async def _keep(self, session: MqttSession, watch: Watch) -> None:
        """Until the connection ends; wakes a silent printer, then gives it up."""
        while True:
            wait = max(0.05, watch.due(self._needs_full_reports()) - self._now())
            try:
                await asyncio.wait_for(asyncio.shield(session.closed), wait)
            except asyncio.TimeoutError:
                pass
            else:
                raise session.closed.result()
            step = watch.step(self._now(), self._needs_full_reports())
            if step is Step.STALE:
                self._tell(Link.STALE if watch.reported else Link.NO_REPORTS, _SILENT)
            elif step is Step.GIVE_UP:
                raise LinkFailure(Link.NO_REPORTS, _SILENT)
            elif step is not None:
                if step is Step.WAKE:
                    self._courier.publish(START_REPORTS)
                self._ask_full()

    def _needs_full_reports(self) -> bool:
        # Deltas of these printers never mention what changed in an AMS.
        filament = self.reports.snapshot.filament
        return self.reports.model in JPEG_CAMERA and filament is not None and bool(filament.units)

    # -- reports ---------------------------------------------------------------------------

    def _take(self, payload: bytes) -> None:
        for message in parse(payload):
            if isinstance(message, Report):
                self._take_report(message)
            elif isinstance(message, Version):
                self._courier.heard_version()
                self.reports.modules(message.modules)
                if self._reporting:
                    self._host.on_snapshot(self.reports.snapshot)
            else:
                self._learn(self._courier.answered(message))

    def _take_report(self, report: Report) -> None:
        now, watch = self._now(), self._watch
        if watch is None or not watch.report(report.full, now):
            return
        snapshot = self.reports.report(report.body, report.full, now)
        self._host.on_snapshot(snapshot)
        if self._connection.state is not Link.ONLINE:
            self._tell(Link.ONLINE, None)
        self._courier.changed()

    def _learn(self, accepts: Optional[Accepts]) -> None:
        before = self.reports.snapshot
        if accepts is not None and self.reports.learn_accepts(accepts) is not before:
            self._host.on_snapshot(self.reports.snapshot)

    # -- commands --------------------------------------------------------------------------

    async def send(self, command: Command) -> None:
        if not self._courier.connected or not self._reporting:
            raise NotConnected(self._connection.message or "the printer is not connected")
        await self._courier.carry_out(command)

    async def refresh(self) -> None:
        watch = self._watch
        if watch is not None and self._now() - watch.full_asked_at >= self._timing.refresh:
            self._ask_full()

    @property
    def _reporting(self) -> bool:
        return self._watch is not None and self._watch.reported

    # -- files and camera ------------------------------------------------------------------

    async def _load_pin(self) -> Optional[str]:
        return await self._host.load(PIN_KEY) if self._trust.mode == "pin" else None

    @property
    def camera(self) -> Optional[BridgeCamera]:  # type: ignore[override]
        return self._jpeg_camera if self.reports.model in JPEG_CAMERA else None

    def _transfer_hurts(self) -> Optional[str]:
        """The processor of a small printer moves the motors and the files."""
        snapshot = self.reports.snapshot
        busy = snapshot.state in (PrintState.PRINTING, PrintState.PAUSED)
        if busy and self.reports.model in JPEG_CAMERA:
            return "a transfer could disturb the print of this small printer: wait until it is over"
        return None

    async def _start_print(self, path: str) -> None:
        await self.send(Command(Action.START, {"filename": path}))

    # -- helpers ---------------------------------------------------------------------------

    def _ask_full(self) -> None:
        if self._watch is not None:
            self._watch.full_asked_at = self._now()
        self._courier.publish(FULL_REPORT)

    def _tell(self, link: Link, message: Optional[str]) -> None:
        """Publish a new state of the wire, and log it: once per change."""
        before = self._connection
        if (link, message) == (before.state, before.message) and before.since is not None:
            return
        reconnects = before.reconnects
        if link is Link.ONLINE and before.state not in (Link.STALE, Link.NO_REPORTS):
            reconnects += 1 if before.last_report is not None else 0
        self._connection = replace(
            before,
            state=link,
            message=message,
            since=self._host.now(),
            last_report=self._host.now() if link is Link.ONLINE else before.last_report,
            reconnects=reconnects,
        )
        self._host.on_connection(self._connection)
        if link is Link.ONLINE:
            self._host.logger.info("connected")
        elif message is not None:
            self._host.logger.warning("%s", message)

    def _clean(self, text: str) -> str:
        """The printer's own words, without what must not be repeated."""
        for private in (self._code.reveal(), self._serial):
            text = text.replace(private, "***") if private else text
        return text

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


# States that a printer with a new address is in, as seen from here.
_ELSEWHERE = frozenset({Link.UNREACHABLE, Link.REFUSED, Link.TLS_ERROR})
_SILENT = "connected, but the printer sends no reports: it may need a restart"
