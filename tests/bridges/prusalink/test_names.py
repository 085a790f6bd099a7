# Host names are looked up in threads of our own
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The loop's pool belongs to the host program."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from moonfleet.bridges.base import Link
from moonfleet.bridges.prusalink.names import resolver
from moonfleet.bridges.prusalink.schedule import Pace
from moonfleet.bridges.prusalink.settings import Address, Credentials
from moonfleet.bridges.prusalink.transport import LinkFault, PrusaLinkHttp
from moonfleet.core.secret import Secret

from tests.emulators.prusalink import EmulatedPrusaLink

PASSWORD = "correct-horse-battery"


class Counting(ThreadPoolExecutor):
    used = 0

    def submit(self, *args: Any, **kwargs: Any) -> Any:
        self.used += 1
        return super().submit(*args, **kwargs)


async def test_a_printer_with_a_name_leaves_the_hosts_pool_alone() -> None:
    pool = Counting(max_workers=1)
    asyncio.get_running_loop().set_default_executor(pool)
    async with EmulatedPrusaLink(password=PASSWORD, autopilot=False) as printer:
        credentials = Credentials(password=Secret(PASSWORD))
        http = PrusaLinkHttp(Address("localhost", printer.port), credentials, Pace(), "[x]")
        try:
            assert (await http.get("/api/version")).ok
        finally:
            await http.close()
    assert pool.used == 0


async def test_a_name_that_nobody_has_is_out_of_reach(monkeypatch) -> None:
    def unknown(*args: Any, **kwargs: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr("moonfleet.bridges.prusalink.names.socket.getaddrinfo", unknown)
    http = PrusaLinkHttp(Address("nobody.invalid", 80), Credentials(), Pace(), "[x]")
    try:
        with pytest.raises(LinkFault) as caught:
            await http.get("/api/version")
    finally:
        await http.close()
    assert caught.value.link is Link.UNREACHABLE


async def test_numeric_answers_in_the_shape_that_aiohttp_wants() -> None:
    found = await resolver().resolve("127.0.0.1", 8080)
    assert [(one["host"], one["port"], one["hostname"]) for one in found] == [
        ("127.0.0.1", 8080, "127.0.0.1")
    ]
