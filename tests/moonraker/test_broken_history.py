# A history that cannot be written is said where people look
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The table is taken away from a running Moonraker and given back."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any

import pytest

from tests.emulators.bambu import EmulatedBambu
from tests.moonraker.conftest import newest
from tests.moonraker.printers import ACCESS_CODE, SECRETS, bambu

pytestmark = [pytest.mark.moonraker, newest]


async def test_the_status_says_so_until_it_is_over(moonraker):
    async with EmulatedBambu("X1C", access_code=ACCESS_CODE, speed=50.0) as printer:
        server = await asyncio.to_thread(moonraker, bambu(printer), secrets=SECRETS)
        await server.in_state("x1c", "online")
        place = server.folder / "database" / "moonraker-sql.db"

        def rename(before: str, after: str) -> None:
            with sqlite3.connect(place, timeout=30.0) as database:
                database.execute(f"ALTER TABLE {before} RENAME TO {after}")

        async def troubles() -> list[str]:
            warnings = (await server.get("/server/moonfleet/status"))["warnings"]
            return [text for text in warnings if "history cannot be written" in text]

        await asyncio.to_thread(rename, "moonfleet_jobs", "away")
        printer.start_job("benchy.3mf")
        (text,) = await server.when(troubles, "the trouble to be told")
        assert "kept in memory" in text
        # the fleet itself goes on
        info = await server.in_state("x1c", "online")
        assert info["online"]
        await asyncio.to_thread(rename, "away", "moonfleet_jobs")

        async def over() -> Any:
            return not await troubles()

        await server.when(over, "the trouble to be over", 120.0)

        async def recorded() -> Any:
            return (await server.get("/server/moonfleet/history/list"))["jobs"]

        (job,) = await server.when(recorded, "the job to be on record")
        assert job["name"] == "benchy"
        assert server.log().count("cannot be written") <= 2  # in the file and on the console


async def test_printers_are_watched_all_the_same(moonraker):
    async with EmulatedBambu("X1C", access_code=ACCESS_CODE) as printer:
        server = await asyncio.to_thread(moonraker, bambu(printer), secrets=SECRETS)
        await server.in_state("x1c", "online")
        place = server.folder / "database" / "moonraker-sql.db"

        def damage() -> None:
            with sqlite3.connect(place, timeout=30.0) as database:
                database.execute("ALTER TABLE moonfleet_events RENAME COLUMN id TO away")
                database.execute("ALTER TABLE moonfleet_maintenance RENAME COLUMN unit TO away")

        await asyncio.to_thread(damage)
        await asyncio.to_thread(server.restart)
        await server.in_state("x1c", "online")
        assert "the history cannot be read as it should" in server.log()
