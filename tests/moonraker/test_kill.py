# Moonraker is killed again and again while a printer prints
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""No service manager is as rude as a power cut: SIGKILL at random moments.

``MOONFLEET_KILLS`` says how often; a handful is enough for every day.
"""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
from typing import Any

import pytest

from tests.emulators.bambu import EmulatedBambu
from tests.moonraker.conftest import newest
from tests.moonraker.printers import ACCESS_CODE, SECRETS, bambu

pytestmark = [pytest.mark.moonraker, newest]
KILLS = int(os.environ.get("MOONFLEET_KILLS", "6"))


async def test_the_history_is_whole_and_right_after_every_kill(moonraker):
    chance = random.Random(4711)
    jobs: list[str] = []
    async with EmulatedBambu(
        "X1C", access_code=ACCESS_CODE, speed=60, job_seconds=36_000, push_interval=0.1
    ) as printer:
        server = moonraker(bambu(printer), secrets=SECRETS)

        async def printing() -> Any:
            info = await server.get("/server/moonfleet/printer", printer="x1c")
            if info["snapshot"]["state"] != "printing" or info["job"] is None:
                return None
            return info["job"]["job_id"]

        async def idle() -> bool:
            info = await server.get("/server/moonfleet/printer", printer="x1c")
            return bool(info["online"] and info["job"] is None)

        for number in range(KILLS):
            if number % 2 == 0:  # every other kill falls into a job that went on
                await server.when(idle, "it to be idle")
                printer.start_job(f"part {number}.3mf")
                jobs.append(await server.when(printing, "it to print"))
            await asyncio.sleep(chance.random() * 0.5)
            await asyncio.to_thread(server.kill)
            path = server.folder / "database" / "moonraker-sql.db"
            with sqlite3.connect(path) as database:
                assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            database.close()
            await asyncio.to_thread(server.start)
            assert await server.when(printing, "it to print on") == jobs[-1]
            if number % 2 == 1 or number == KILLS - 1:
                async with server.socket() as client:
                    done = await client.result("server.moonfleet.print.cancel", printer="x1c")
                    assert done["result"] == "accepted", done
        listed = (await server.get("/server/moonfleet/history/list", limit=1000))["jobs"]
        assert [(job["job_id"], job["status"]) for job in listed] == [
            (job_id, "cancelled") for job_id in reversed(jobs)
        ]
        assert "Traceback" not in server.log()
