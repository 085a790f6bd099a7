# Printers found by their announcements and by asking an address
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Announcements are sent to ephemeral ports on loopback."""

from __future__ import annotations

import asyncio
import dataclasses
import random
import socket
from typing import Optional

import pytest
from moonfleet.bridges.bambu.bridge import PIN_KEY
from moonfleet.bridges.bambu.discovery import discover, find, probe
from moonfleet.bridges.bambu.protocol.discovery import (
    Found,
    detect_request,
    frame_length,
    parse_detect,
    parse_ssdp,
)
from moonfleet.bridges.bambu.trust import fingerprint
from moonfleet.bridges.base import Link

from tests.emulators.bambu.presence import ProbeServer, announce, announcement

from .conftest import World
from .helpers import QUICK, RecordingHost, until

SERIAL = "01P00A000000001"
ANSWER = {
    "id": SERIAL,
    "model": "C12",
    "name": "Workshop",
    "version": "01.08.02.00",
    "connect": "lan",
    "bind": "free",
}


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def notify(serial: str = SERIAL, location: str = "192.0.2.7") -> bytes:
    return announcement(serial, "P1S", "Workshop", "01.08.02.00", location)


def test_an_announcement() -> None:
    found = parse_ssdp(notify(), "198.51.100.1")
    assert found == Found("192.0.2.7", SERIAL, "P1S", "Workshop", "01.08.02.00", True)
    # a location that is no address: the sender counts
    other = parse_ssdp(notify(location="evil.example"), "198.51.100.1")
    assert other is not None and other.host == "198.51.100.1"


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\xff" * 2000,
        b"NOTIFY * HTTP/1.1\r\nNT: upnp:rootdevice\r\nUSN: " + SERIAL.encode(),
        notify(serial="../../x"),
        notify(serial=""),
    ],
)
def test_other_datagrams(datagram: bytes) -> None:
    assert parse_ssdp(datagram, "192.0.2.1") is None


def test_any_bytes_are_survived() -> None:
    rng = random.Random(5)
    frame = detect_request()
    for _ in range(2000):
        data = bytearray(rng.choice((notify(), frame)))
        for _ in range(rng.randrange(1, 9)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        parse_ssdp(bytes(data), "192.0.2.1")
        parse_detect(bytes(data), "192.0.2.1")
    assert frame_length(b"\xa5\xa5\xff\xff") is None
    assert frame_length(b"\xa5") is None


async def repeat(datagram: bytes, port: int) -> None:
    while True:
        announce(datagram, port)
        await asyncio.sleep(0.05)


async def test_discover_and_find() -> None:
    port = free_udp_port()
    senders = [
        asyncio.ensure_future(repeat(notify(), port)),
        asyncio.ensure_future(repeat(notify("00M00A000000002", "192.0.2.8"), port)),
    ]
    try:
        assert await find("00M00A000000002", 30.0, (port,)) == "192.0.2.8"
        found = await discover(1.0, (port,))
        assert [(p.serial, p.host) for p in found] == [
            ("00M00A000000002", "192.0.2.8"),
            (SERIAL, "192.0.2.7"),
        ]
    finally:
        for sender in senders:
            sender.cancel()
    assert await find("nobody", 0.1, (port,)) is None


@pytest.mark.parametrize("secure", [False, True])
async def test_probe(world: World, secure: bool) -> None:
    printer = await world.printer()
    server = ProbeServer(ANSWER)
    await server.start(ssl=printer.chain.server_context() if secure else None)
    closed = free_udp_port()
    try:
        if secure:
            found = await probe("127.0.0.1", closed, server.port)
        else:
            found = await probe("127.0.0.1", server.port, None)
    finally:
        await server.stop()
    assert found == Found("127.0.0.1", SERIAL, "P1S", "Workshop", "01.08.02.00", True)
    assert await probe("127.0.0.1", closed, closed) is None


async def test_a_printer_with_a_new_address_is_found_again(world: World) -> None:
    printer = await world.printer()
    port = free_udp_port()
    timing = dataclasses.replace(QUICK, search_after=2, search=5.0, ssdp_ports=(port,))
    known, host = await world.bridge(printer)  # it is pinned
    await until(lambda: host.link is Link.ONLINE)
    await known.stop()
    # nobody listens at the configured address
    bridge, host = await world.bridge(printer, timing, host="127.0.0.2", bridge_host=host)
    await until(lambda: host.link in (Link.REFUSED, Link.UNREACHABLE))
    sender = asyncio.ensure_future(repeat(notify(printer.serial, "127.0.0.1"), port))
    try:
        await until(lambda: host.link is Link.ONLINE)
    finally:
        sender.cancel()
    assert bridge.files is not None


@pytest.mark.parametrize("pin", [None, "another printer's"])
async def test_an_announcement_is_no_first_contact(world: World, pin: Optional[str]) -> None:
    """Nothing is pinned yet: whoever answers to the serial would get the access code."""
    impostor = await world.printer()
    port = free_udp_port()
    timing = dataclasses.replace(QUICK, search_after=1, search=5.0, ssdp_ports=(port,))
    host = RecordingHost()
    host.stored[PIN_KEY] = pin and fingerprint(pin, b"")
    bridge, _ = await world.bridge(impostor, timing, host="127.0.0.2", bridge_host=host)
    attempts = 0
    connect = bridge._connect_once

    async def counted() -> None:
        nonlocal attempts
        attempts += 1
        await connect()

    bridge._connect_once = counted  # type: ignore[method-assign]
    sender = asyncio.ensure_future(repeat(notify(impostor.serial, "127.0.0.1"), port))
    try:
        await until(lambda: attempts >= 6)
    finally:
        sender.cancel()
    assert impostor.server.connects == 0


async def test_a_false_announcement_gets_no_credentials(world: World) -> None:
    impostor = await world.printer("A1")
    port = free_udp_port()
    timing = dataclasses.replace(QUICK, search_after=1, search=5.0, ssdp_ports=(port,))
    host = RecordingHost()
    host.stored[PIN_KEY] = fingerprint(SERIAL, b"the certificate of the real one")
    await world.bridge(impostor, timing, serial=SERIAL, host="127.0.0.2", bridge_host=host)
    sender = asyncio.ensure_future(repeat(notify(SERIAL, "127.0.0.1"), port))
    try:
        await until(lambda: "another device" in host.message)
    finally:
        sender.cancel()
    assert impostor.server.connects == 0
