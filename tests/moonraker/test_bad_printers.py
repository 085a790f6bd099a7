# Printers that are wrong, silent or hostile: one sentence each, nobody else notices
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Issue by issue against the emulators, all in one real Moonraker beside a good printer."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from tests.emulators.bambu import EmulatedBambu
from tests.emulators.bambu import Faults as BambuFaults
from tests.emulators.prusalink import EmulatedPrusaLink
from tests.moonraker.conftest import newest
from tests.moonraker.printers import ACCESS_CODE, PASSWORD, SECRETS, bambu, prusa
from tests.moonraker.real import Moonraker, free_port

pytestmark = [pytest.mark.moonraker, newest]
WRONG = {**SECRETS, "wrong": {"code": "00000000", "password": "not-this-one"}}


@pytest.fixture
async def stage():
    async with contextlib.AsyncExitStack() as stack:
        yield stack


async def a_bambu(stage: Any, model: str = "P1S", **faults: Any) -> EmulatedBambu:
    printer = EmulatedBambu(model, access_code=ACCESS_CODE, faults=BambuFaults(**faults))
    return await stage.enter_async_context(printer)


async def a_prusa(stage: Any, **faults: Any) -> EmulatedPrusaLink:
    printer = EmulatedPrusaLink(password=PASSWORD, autopilot=False)
    for name, value in faults.items():
        setattr(printer.faults, name, value)
    return await stage.enter_async_context(printer)


async def settled(server: Moonraker, expected: dict[str, tuple[set[str], str]]) -> None:
    """Every printer comes to one of its states with a sentence that holds the word."""

    async def reached() -> bool:
        printers = (await server.get("/server/moonfleet/status"))["printers"]
        return all(
            printers[name]["state"] in states and word in (printers[name]["message"] or "")
            for name, (states, word) in expected.items()
        )

    try:
        await server.when(reached, "every fault to be named", 90.0)
    except AssertionError:
        printers = (await server.get("/server/moonfleet/status"))["printers"]
        raise AssertionError({name: printers[name] for name in expected}) from None


async def test_each_fault_is_named_and_harms_nobody(moonraker, stage):
    good, also = await a_bambu(stage, "X1C"), await a_prusa(stage)
    sections = {
        "good": bambu(good, "good"),
        "also": prusa(also, "also"),
        "wrongcode": bambu(await a_bambu(stage), "wrongcode", access_code="{secrets.wrong.code}"),
        "wrongserial": bambu(await a_bambu(stage), "wrongserial", serial="01P00A999999999"),
        "nobody": bambu(good, "nobody", port=free_port()),
        "nohost": bambu(good, "nohost", host="printer.invalid"),
        "noprusa": prusa(also, "noprusa", port=free_port()),
        "wrongpassword": prusa(
            await a_prusa(stage), "wrongpassword", password="{secrets.wrong.password}"
        ),
        "html": prusa(await a_prusa(stage, html=True), "html"),
        "nothttp": prusa(await a_prusa(stage, garbage=True), "nothttp"),
        "notmqtt": bambu(await a_bambu(stage, raw_garbage=True), "notmqtt"),
        "oversized": bambu(await a_bambu(stage, oversized=True), "oversized"),
        "swapped": prusa(good, "swapped"),
    }
    server = moonraker("".join(sections.values()), secrets=WRONG)
    down = {"refused", "unreachable"}
    expected = {
        "good": ({"online"}, ""),
        "also": ({"online"}, ""),
        "wrongcode": ({"auth_failed"}, "option 'access_code': the printer refused"),
        "wrongserial": ({"tls_error"}, "serial"),
        "nobody": (down, "is closed"),
        "nohost": (down, "option 'host': 'printer.invalid'"),
        "noprusa": (down, "127.0.0.1"),
        "wrongpassword": ({"auth_failed"}, "option 'password'"),
        "html": ({"fault"}, ""),
        "nothttp": ({"fault", *down}, ""),
        "notmqtt": ({"fault", "no_reports", *down}, ""),
        "oversized": ({"fault", "no_reports", *down}, ""),
        "swapped": ({"fault", *down}, ""),
    }
    await settled(server, expected)
    printers = (await server.get("/server/moonfleet/printers"))["printers"]
    for info in printers:
        message = info["connection"]["message"]
        if info["name"] in ("good", "also"):
            continue
        assert message and message.isascii() and "\n" not in message and len(message) <= 400, info
        assert message.startswith(f"[moonfleet {info['name']}] option '"), message
        assert "Traceback" not in message and "Error(" not in message, message
        for secret in ("00000000", "not-this-one", ACCESS_CODE, PASSWORD):
            assert secret not in message
    # the good ones still obey while the others fail
    good.start_job("benchy.3mf")

    async def printing() -> bool:
        info = await server.get("/server/moonfleet/printer", printer="good")
        return bool(info["snapshot"]["state"] == "printing")

    await server.when(printing, "the good one to print")
    async with server.socket() as client:
        result = await client.result("server.moonfleet.print.cancel", printer="good")
        assert result["result"] == "accepted", result
    assert server.warnings() == []  # none of this is a fault of the configuration
    await asyncio.to_thread(server.stop)
    log = server.log()
    assert "Traceback" not in log and "EVENT LOOP BLOCKED" not in log
    for name in expected:
        lines = [line for line in log.splitlines() if f"{name}:" in line or f"[{name}]" in line]
        assert len(lines) <= 12, lines


async def test_malformed_reports_between_good_ones_change_nothing(moonraker, stage):
    printer = await a_bambu(stage, "X1C", garbage=True)
    server = moonraker(bambu(printer), secrets=SECRETS)
    await server.in_state("x1c", "online")
    printer.start_job("benchy.3mf")

    async def printing() -> Any:
        info = await server.get("/server/moonfleet/printer", printer="x1c")
        return info if info["snapshot"]["state"] == "printing" else None

    info = await server.when(printing, "it to print")
    assert info["connection"]["state"] == "online"
    assert "Traceback" not in server.log()
    assert len(server.log().splitlines()) < 250
