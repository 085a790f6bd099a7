# Guard rules and the finish on a printer that prints: from moonraker.conf to the machine and back
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The machine of the emulator is the witness, not what the bridge believes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulators.bambu import EmulatedBambu
from tests.moonraker.conftest import newest
from tests.moonraker.printers import ACCESS_CODE, SECRETS, bambu
from tests.moonraker.real import Client, Moonraker

pytestmark = pytest.mark.moonraker
FIRST, SECOND = "0300_0100_0001_0001", "0300_0100_0001_0002"
HMS = {FIRST: (0x03000100, 0x00010001), SECOND: (0x03000100, 0x00010002)}


async def in_print_state(server: Moonraker, state: str) -> Any:
    async def reached() -> Any:
        info = await server.get("/server/moonfleet/printer", printer="x1c")
        return info if info["snapshot"]["state"] == state else None

    return await server.when(reached, f"it to be {state}")


async def alert(client: Client, subject: str) -> Any:
    return await client.notified(
        "notify_moonfleet_event", lambda e: e["type"] == "guard" and e["subject"] == subject
    )


async def test_a_listed_fault_pauses_the_print_and_a_deaf_printer_is_reported(moonraker):
    async with EmulatedBambu(
        "X1C", access_code=ACCESS_CODE, speed=60, job_seconds=36_000.0
    ) as printer:
        printer.start_job("benchy.3mf")
        config = bambu(
            printer,
            control="jobs",
            guard_fault_codes=f"{FIRST}, {SECOND}",
            guard_action="pause",
        )
        server = moonraker(config, secrets=SECRETS)
        assert server.warnings() == []
        await in_print_state(server, "printing")
        async with server.socket() as client:
            printer.machine.hms = [HMS[FIRST]]
            told = await alert(client, FIRST)
            assert (told["rule"], told["action"]) == ("fault_codes", "pause")
            assert (told["result"], told["reason"]) == ("accepted", None)
            assert printer.machine.state == "PAUSE"

            async with server.socket("/websocket/moonfleet/x1c/websocket") as virtual:
                store = (await virtual.result("server.gcode_store"))["gcode_store"]
            lines = [entry["message"] for entry in store]
            assert f"!! the printer reports {FIRST}; it was paused" in lines

            printer.machine.hms = []
            await client.result("server.moonfleet.print.resume", printer="x1c")
            await in_print_state(server, "printing")
            printer.faults.deaf = True
            printer.machine.hms = [HMS[SECOND]]
            told = await alert(client, SECOND)
            assert (told["result"], told["action"]) == ("unconfirmed", "pause")
            assert told["reason"] and printer.machine.state == "RUNNING"
            events = (await client.result("server.moonfleet.events", limit=200))["events"]
            assert [e["subject"] for e in events if e["type"] == "guard"] == [SECOND, FIRST]


@newest
async def test_a_watched_printer_without_permission_is_told_so(moonraker):
    """``control: none`` holds for the guard as for everybody."""
    async with EmulatedBambu(
        "X1C", access_code=ACCESS_CODE, speed=60, job_seconds=36_000.0
    ) as printer:
        printer.start_job("benchy.3mf")
        rules = {"guard_fault_codes": FIRST, "guard_action": "pause"}
        server = moonraker(bambu(printer, control="none", **rules), secrets=SECRETS)
        await in_print_state(server, "printing")
        async with server.socket() as client:
            printer.machine.hms = [HMS[FIRST]]
            told = await alert(client, FIRST)
            assert told["result"] == "rejected" and "control: jobs" in told["reason"]
            assert printer.machine.state == "RUNNING"
            assert "pause" not in printer.commands()


@newest
async def test_the_finish_waits_for_the_heaters(moonraker):
    async with EmulatedBambu(
        "X1C", access_code=ACCESS_CODE, speed=3, job_seconds=7200.0
    ) as printer:
        server = moonraker(bambu(printer), secrets=SECRETS)
        await server.in_state("x1c", "online")
        printer.start_job("benchy.3mf")

        async def shown(heating: bool) -> Any:
            info = await server.get("/server/moonfleet/printer", printer="x1c")
            job = info["job"]
            if job is None or job["finish"] is None:
                return None
            waits = [h["eta"] for h in info["heaters"].values() if h["heating"] and h["eta"]]
            return (info, max(waits, default=0.0)) if bool(waits) is heating else None

        info, wait = await server.when(lambda: shown(True), "a heat-up with an end")
        finish, left = info["job"]["finish"], info["snapshot"]["job"]["time_left"]
        assert finish["time_left"] == pytest.approx(left + wait, abs=2)
        assert finish["low"] < finish["time_left"] < finish["high"]
        await in_print_state(server, "printing")
        info, _ = await server.when(lambda: shown(False), "the heat-up to be over")
        finish, left = info["job"]["finish"], info["snapshot"]["job"]["time_left"]
        assert finish["time_left"] == pytest.approx(left, abs=2)
        assert finish["low"] < left < finish["high"] and finish["learned"] is False
