# Discovery by mDNS, on the loopback interface only
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""A real announcement and a real browser; skipped where zeroconf or multicast is missing."""

from __future__ import annotations

import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from moonfleet.bridges.base import Discovered
from moonfleet.bridges.prusalink.discovery import SERVICE, discover, probe
from moonfleet.core.errors import NotSupported

from .stage import emulated

LOOPBACK = ["127.0.0.1"]


@asynccontextmanager
async def announced(port: int, label: str) -> AsyncIterator[None]:
    zeroconf = pytest.importorskip("zeroconf")
    asynchronous = pytest.importorskip("zeroconf.asyncio")
    try:
        network = asynchronous.AsyncZeroconf(interfaces=LOOPBACK)
    except OSError:
        pytest.skip("no multicast on the loopback interface")
    info = zeroconf.ServiceInfo(
        SERVICE,
        f"{label}.{SERVICE}",
        addresses=[socket.inet_aton("127.0.0.1")],
        port=port,
        properties={"path": "/"},
        server=f"host-{port}.local.",
    )
    try:
        await network.async_register_service(info)
        yield
    finally:
        await network.async_close()


async def test_announced_printers_are_found() -> None:
    async with announced(8080, "PrusaLink at mk3:8080"), announced(80, "PrusaLink MINI"):
        for _ in range(5):  # a lost datagram is no failure of ours
            found = await discover(2.5, LOOPBACK)
            if len(found) == 2:
                break
    assert found == [
        Discovered("127.0.0.1", name="PrusaLink MINI", options={"port": 80}),
        Discovered("127.0.0.1", name="PrusaLink at mk3:8080", options={"port": 8080}),
    ]


async def test_without_zeroconf_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zeroconf.asyncio", None)
    with pytest.raises(NotSupported, match="zeroconf"):
        await discover(0.1, LOOPBACK)


@pytest.mark.parametrize("flavour", ["buddy", "python"])
async def test_the_port_is_found_without_credentials(flavour: str) -> None:
    async with emulated(flavour) as printer, emulated(flavour) as web:
        web.faults.html = True
        ports = [web.port, printer.port]
        found = await probe("127.0.0.1", ports)
        assert found == Discovered("127.0.0.1", options={"port": printer.port})
        assert not printer.stats.refused
        for fault in ("garbage", "drop", "endless"):
            setattr(printer.faults, fault, True)
            assert await probe("127.0.0.1", ports) is None, fault
            setattr(printer.faults, fault, False)
    assert await probe("127.0.0.1", ports) is None
