# Discovery by mDNS, on the loopback interface only
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""A real announcement and a real browser; skipped where zeroconf or multicast is missing."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import pytest
from moonfleet.bridges.base import Discovered, bridge_types
from moonfleet.bridges.prusalink.bridge import create
from moonfleet.bridges.prusalink.discovery import SERVICE, discover, probe
from moonfleet.core.errors import NotSupported
from moonfleet.fleet import Fleet
from moonfleet.managed import ManagedPrinters

from .stage import emulated, settings_for
from .test_fleet import Store

LOOPBACK = ["127.0.0.1"]
TAG = f"{os.getpid()}"  # other test processes of this machine announce themselves, too


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
        server=f"host-{port}-{TAG}.local.",
    )
    try:
        await network.async_register_service(info)
        yield
    finally:
        await network.async_close()


async def test_announced_printers_are_found() -> None:
    names = [f"PrusaLink MINI {TAG}", f"PrusaLink at mk3:8080 {TAG}"]
    async with announced(8080, names[1]), announced(80, names[0]):
        for _ in range(5):  # a lost datagram is no failure of ours
            found = [one for one in await discover(2.5, LOOPBACK) if one.name in names]
            if len(found) == 2:
                break
    assert found == [
        Discovered("127.0.0.1", name=names[0], options={"port": 80}),
        Discovered("127.0.0.1", name=names[1], options={"port": 8080}),
    ]


async def test_the_fleet_finds_them_and_tells_the_known_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """``server.moonfleet.discover`` as far as the loopback interface."""
    names = [f"PrusaLink a {TAG}", f"PrusaLink b {TAG}"]
    kind = replace(bridge_types()["prusalink"], discover=partial(discover, interfaces=LOOPBACK))
    monkeypatch.setattr("moonfleet.managed.bridge_types", lambda: {"prusalink": kind})
    async with announced(8080, names[0]), announced(8081, names[1]):
        fleet = Fleet(Store())
        fleet.add(settings_for(8081, password="x"), create)  # never started
        managed = ManagedPrinters(fleet, _nothing)
        for _ in range(5):
            answer = await managed.discover(2.5)
            found = [one for one in answer["printers"] if one["name"] in names]
            if len(found) == 2:
                break
    one = {"type": "prusalink", "host": "127.0.0.1", "model": None, "firmware": None}
    assert found == [
        {**one, "port": 8080, "name": names[0], "known": False},
        {**one, "port": 8081, "name": names[1], "known": True},
    ]


async def _nothing() -> None:
    """Nobody was removed."""


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
