# A host that records, and a bridge under test with short windows
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Shared by the tests that need a running bridge."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any, Callable, Optional

from moonfleet.bridges.bambu.bridge import BambuBridge
from moonfleet.bridges.bambu.timing import Timing
from moonfleet.bridges.base import BridgeHost, Connection, Link, PrinterSettings
from moonfleet.core.backoff import Backoff
from moonfleet.core.model import PrinterSnapshot
from moonfleet.core.secret import Secret

QUICK = Timing(
    backoff=Backoff(first=0.05, cap=0.3, jitter=0.2),
    auth_backoff=Backoff(first=0.6, cap=1.0, jitter=0.1),
    connack=3.0,
    first_report=0.6,
    quiet=1.5,
    patience=0.3,
    dead=0.6,
    steady=5.0,
    answer=2.0,
    refresh=0.0,
)


class RecordingHost(BridgeHost):
    def __init__(self, name: str = "printer") -> None:
        self.logger = logging.getLogger(f"test.moonfleet.{name}")
        self.snapshots: list[PrinterSnapshot] = []
        self.connections: list[Connection] = []
        self.stored: dict[str, Optional[str]] = {}

    def now(self) -> float:
        return time.time()

    def on_snapshot(self, snapshot: PrinterSnapshot) -> None:
        self.snapshots.append(snapshot)

    def on_connection(self, connection: Connection) -> None:
        self.connections.append(connection)

    async def load(self, key: str) -> Optional[str]:
        return self.stored.get(key)

    async def store(self, key: str, value: Optional[str]) -> None:
        self.stored[key] = value

    # -- what tests look at ----------------------------------------------------------------

    @property
    def snapshot(self) -> PrinterSnapshot:
        return self.snapshots[-1] if self.snapshots else PrinterSnapshot()

    @property
    def link(self) -> Link:
        return self.connections[-1].state if self.connections else Link.DISABLED

    @property
    def message(self) -> str:
        return (self.connections[-1].message if self.connections else None) or ""


def make_bridge(
    printer: Any, bridge_host: BridgeHost, timing: Timing = QUICK, /, **changes: Any
) -> BambuBridge:
    """A bridge to ``printer`` (anything with host, port, serial and access_code)."""
    options = {
        "serial": changes.pop("serial", printer.serial),
        "access_code": Secret(changes.pop("access_code", printer.access_code)),
        "model": changes.pop("model", None),
    }
    for name in ("ftps", "camera"):
        server = getattr(printer, name, None)
        options[f"{name}_port"] = server.port if server is not None else None
    settings = PrinterSettings(
        name="printer",
        type="bambu",
        display_name="Printer",
        host=changes.pop("host", printer.host),
        port=changes.pop("port", printer.port),
        options=options,
        **changes,
    )
    return BambuBridge(settings, bridge_host, timing)


async def until(condition: Callable[[], Any], timeout: float = 30.0) -> None:
    """Wait for ``condition``; the timeout is only a net."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, f"never came true: {condition}"
        await asyncio.sleep(0.01)


async def online(host: RecordingHost) -> None:
    await until(lambda: host.link is Link.ONLINE and host.snapshot.firmware)
