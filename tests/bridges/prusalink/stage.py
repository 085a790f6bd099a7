# A fleet small enough for one bridge, and a pace that tests can wait for
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Shared by the tests of the PrusaLink bridge."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Optional

from moonfleet.bridges.base import BridgeHost, Connection, Link, PrinterSettings
from moonfleet.bridges.prusalink.bridge import PrusaLinkBridge
from moonfleet.bridges.prusalink.schedule import Pace
from moonfleet.bridges.prusalink.settings import Credentials
from moonfleet.core.model import PrinterSnapshot
from moonfleet.core.secret import Secret

from tests.emulators.prusalink import EmulatedPrusaLink

PASSWORD = "sEcReT-pAsSwOrD-4711"
QUICK = Pace(
    fast=0.05,
    active=0.05,
    settled=0.2,
    idle=0.05,
    idle_python=0.05,
    boost=2.0,
    timeout=2.0,
    connect_timeout=2.0,
    offline=(0.05,),
    wrong_credentials=60.0,
    job_retry=0.3,
)


class Host(BridgeHost):
    """Remembers everything a bridge says."""

    def __init__(self) -> None:
        self.logger = logging.getLogger("moonfleet.test")
        self.snapshots: list[PrinterSnapshot] = []
        self.connections: list[Connection] = []
        self.texts: dict[str, str] = {}

    def now(self) -> float:
        return time.time()

    def on_snapshot(self, snapshot: PrinterSnapshot) -> None:
        self.snapshots.append(snapshot)

    def on_connection(self, connection: Connection) -> None:
        self.connections.append(connection)

    async def load(self, key: str) -> Optional[str]:
        return self.texts.get(key)

    async def store(self, key: str, value: Optional[str]) -> None:
        if value is None:
            self.texts.pop(key, None)
        else:
            self.texts[key] = value

    @property
    def last(self) -> PrinterSnapshot:
        return self.snapshots[-1] if self.snapshots else PrinterSnapshot()

    @property
    def link(self) -> Link:
        return self.connections[-1].state if self.connections else Link.CONNECTING

    @property
    def message(self) -> str:
        return (self.connections[-1].message or "") if self.connections else ""


def settings_for(port: int, host: str = "127.0.0.1", **options: Any) -> PrinterSettings:
    secrets = {name: Secret(options.pop(name, "")) for name in ("password", "api_key")}
    credentials = Credentials(options.pop("user", "maker"), **secrets)
    known = {"credentials": credentials, "model": None, "path_prefix": "", **options}
    return PrinterSettings(
        name="mk", type="prusalink", display_name="MK", host=host, port=port, options=known
    )


async def until(condition: Callable[[], object], what: str = "", timeout: float = 20.0) -> None:
    """Wait for something to become true; the timeout only ends a broken test."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, f"never happened: {what or condition}"
        await asyncio.sleep(0.01)


@asynccontextmanager
async def emulated(flavour: str, **options: Any) -> AsyncIterator[EmulatedPrusaLink]:
    options = {
        "password": PASSWORD,
        "speed": 500.0,
        "print_seconds": 300.0,
        "autopilot": False,
        **options,
    }
    async with EmulatedPrusaLink(flavour, **options) as printer:
        printer.machine.pausing = printer.machine.parking = 0.15
        yield printer


@asynccontextmanager
async def bridged(
    printer: EmulatedPrusaLink, pace: Pace = QUICK, **options: Any
) -> AsyncIterator[tuple[PrusaLinkBridge, Host]]:
    host = Host()
    host.texts = options.pop("texts", host.texts)
    if not options.get("password") and not options.get("api_key"):
        options["password"] = PASSWORD
    bridge = PrusaLinkBridge(settings_for(printer.port, **options), host, pace)
    await bridge.start()
    try:
        yield bridge, host
    finally:
        await bridge.stop()
