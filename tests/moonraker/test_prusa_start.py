# A stored file of a Prusa, started through the API of a real Moonraker
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Permitted by ``control``, refused in the printer's words, accepted when the printer prints."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.emulators.prusalink import EmulatedPrusaLink
from tests.moonraker.conftest import newest
from tests.moonraker.printers import PASSWORD, SECRETS, prusa
from tests.moonraker.real import Moonraker

pytestmark = pytest.mark.moonraker
START = "server.moonfleet.print.start"


def starts(printer: EmulatedPrusaLink) -> int:
    """Requests other than questions that the printer has had."""
    return sum(method != "GET" for _, method, _, _ in printer.stats.requests)


async def refused(server: Moonraker, body: dict[str, Any]) -> tuple[int, str]:
    return await asyncio.to_thread(server.fails, "/server/moonfleet/print/start", body)


@newest
@pytest.mark.parametrize("flavour", ["buddy", "python"])
async def test_a_stored_file_is_started(moonraker, flavour: str):
    emulated = EmulatedPrusaLink(
        flavour, password=PASSWORD, speed=60, print_seconds=36000.0, autopilot=False
    )
    async with emulated as printer:
        server = moonraker(prusa(printer), secrets=SECRETS)
        info = await server.in_state("mk4", "online")
        assert "start" in info["capabilities"]
        async with server.socket() as client:
            missing = await client.result(START, printer="mk4", filename="none.gcode")
            assert missing["result"] == "rejected"
            assert missing["reason"] == "the printer has no file 'none.gcode'"
            verdict = await client.result(START, printer="mk4", filename="parts/gear box.gcode")
            assert verdict == {
                "printer": "mk4",
                "action": "start",
                "result": "accepted",
                "reason": None,
                "state": "printing",
            }
            assert printer.machine.job is not None
            assert printer.machine.job.file.path == "parts/gear box.gcode"
            sent = starts(printer)
            again = await client.result(START, printer="mk4", filename="cube.gcode")
            assert (again["result"], again["reason"]) == ("rejected", "a job is already running")
            assert starts(printer) == sent

            async def shown() -> Any:
                known = await client.result("server.moonfleet.printer", printer="mk4")
                job = known["snapshot"]["job"]
                return known["job"] if job and job["name"] == "gear box.gcode" else None

            job = await server.when(shown, "the job and its file")
            (row,) = (await client.result("server.moonfleet.history.list"))["jobs"]
            assert (row["job_id"], row["status"]) == (job["job_id"], "in_progress")
        assert "Traceback" not in server.log()


@newest
async def test_a_start_that_is_not_permitted_reaches_no_printer(moonraker):
    async with EmulatedPrusaLink(password=PASSWORD, autopilot=False) as printer:
        server = moonraker(prusa(printer, control="none"), secrets=SECRETS)
        info = await server.in_state("mk4", "online")
        assert info["capabilities"] == []
        status, message = await refused(server, {"printer": "mk4", "filename": "cube.gcode"})
        assert status == 403 and "control: jobs" in message and "[moonfleet mk4]" in message
        assert starts(printer) == 0


@newest
async def test_a_start_that_the_printer_ignores_is_not_called_done(moonraker):
    """It says 204 and stays idle: nobody knows, and nobody claims to."""
    async with EmulatedPrusaLink(password=PASSWORD, autopilot=False) as printer:
        printer.machine.start_print = lambda file: True  # type: ignore[method-assign]
        server = moonraker(prusa(printer), secrets=SECRETS)
        await server.in_state("mk4", "online")
        async with server.socket() as client:
            verdict = await client.result(START, printer="mk4", filename="cube.gcode")
        assert (verdict["result"], verdict["state"]) == ("unconfirmed", "standby")
        assert starts(printer) == 1, "and it is not sent twice"
