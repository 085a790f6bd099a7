# The record in a real Moonraker: statistics, maintenance, events, deletion
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Everything that server.moonfleet answers from the database."""

from __future__ import annotations

import asyncio
import io
import json
import urllib.error
import urllib.request
import zipfile
from typing import Any

import pytest

from tests.emulators.bambu import EmulatedBambu
from tests.emulators.prusalink import EmulatedPrusaLink
from tests.moonraker.conftest import newest
from tests.moonraker.printers import ACCESS_CODE, PASSWORD, SECRETS, bambu, prusa
from tests.moonraker.real import BASE, Moonraker

pytestmark = pytest.mark.moonraker
PRICES = BASE.replace(
    "[moonfleet]",
    "[moonfleet]\ncurrency: EUR\nfilament_price:\n    20\n    PETG = 30\nenergy_price: 0.30\n",
)


def fetch(server: Moonraker, query: str) -> tuple[str, str]:
    url = f"{server.url}/server/moonfleet/history/export?{query}"
    with urllib.request.urlopen(url, timeout=60) as reply:
        return reply.headers["Content-Type"], reply.read().decode()


async def test_a_job_goes_through_the_record(moonraker):
    async with EmulatedBambu("X1C", access_code=ACCESS_CODE, speed=60) as printer:
        printer.start_job("benchy.3mf")
        config = bambu(printer, maintenance="\n    first job = 1 jobs\n    nozzle = 300 hours")
        server = moonraker(config, secrets=SECRETS, base=PRICES)
        assert server.warnings() == []

        async def printing() -> Any:
            info = await server.get("/server/moonfleet/printer", printer="x1c")
            return info["job"] if info["snapshot"]["state"] == "printing" else None

        job_id = (await server.when(printing, "it to print"))["job_id"]
        async with server.socket() as client:
            await client.result("server.moonfleet.print.cancel", printer="x1c")
            due = await client.notified(
                "notify_moonfleet_event", lambda e: e["type"] == "maintenance_due"
            )
            assert (due["printer"], due["counter"]) == ("x1c", "first job")
            entries = (await client.result("server.announcements.list"))["entries"]
            assert [e["title"] for e in entries if e["feed"] == "moonfleet"] == ["x1c: first job"]
            counters = (await client.result("server.moonfleet.maintenance.list"))["counters"]
            assert {c["counter"]: c["due"] for c in counters} == {
                "first job": True,
                "nozzle": False,
            }
            reset = await client.result(
                "server.moonfleet.maintenance.reset", printer="x1c", counter="first job"
            )
            assert not any(c["due"] for c in reset["counters"])
            answer = await client.call(
                "server.moonfleet.maintenance.reset", printer="x1c", counter="no such"
            )
            assert "no such" in answer["error"]["message"]
            statistics = await client.result("server.moonfleet.statistics")
            assert statistics["printers"]["x1c"]["jobs"] == 1
            totals = await client.result("server.moonfleet.history.totals", printer="x1c")
            assert totals["job_totals"]["total_jobs"] == 1
            answer = await client.call("server.moonfleet.statistics", since=5, before=3)
            assert answer["error"]["code"] == 400

        events = (await server.get("/server/moonfleet/events"))["events"]
        ids = [event["id"] for event in events]
        assert ids == sorted(set(ids), reverse=True)
        assert {"printer_online", "job_finished", "maintenance_due"} <= {e["type"] for e in events}
        await asyncio.to_thread(server.restart)
        again = (await server.get("/server/moonfleet/events", limit=500))["events"]
        assert [e for e in again if e["id"] <= ids[0]] == events  # they outlive a restart
        await server.in_state("x1c", "online")

        exported = await asyncio.to_thread(fetch, server, "format=csv")
        assert exported[0].startswith("text/csv")
        lines = exported[1].splitlines()
        assert lines[0].startswith("job_id,printer,") and job_id in lines[1] and len(lines) == 2
        exported = await asyncio.to_thread(fetch, server, "format=jsonl&printer=x1c")
        assert json.loads(exported[1])["job_id"] == job_id
        exported = await asyncio.to_thread(fetch, server, "format=jsonl&status=error")
        assert exported[1] == ""
        for query in ("format=xml", "format=csv&since=now", "format=csv&status=burnt"):
            with pytest.raises(urllib.error.HTTPError) as refused:
                await asyncio.to_thread(fetch, server, query)
            assert refused.value.code == 400

        async with server.socket() as client:
            noted = await client.result(
                "server.moonfleet.history.note", job_id=job_id, notes="warped at a corner"
            )
            assert noted["job_id"] == job_id and noted["notes"] == "warped at a corner"
            await client.notified(
                "notify_moonfleet_history_changed", lambda n: n["job"]["notes"] == noted["notes"]
            )
            found = await client.result("server.moonfleet.history.list", search="warp")
            assert [job["job_id"] for job in found["jobs"]] == [job_id]
            gone = await client.result("server.moonfleet.history.delete", job_id=job_id)
            assert gone == {"deleted_jobs": [job_id]}
            news = await client.notified(
                "notify_moonfleet_history_changed", lambda n: n["action"] == "deleted"
            )
            assert news["job"]["job_id"] == job_id
            assert (await client.result("server.moonfleet.history.list"))["jobs"] == []
            answer = await client.call("server.moonfleet.history.delete", job_id=job_id)
            assert answer["error"]["code"] == -32601


SLICED = """<config><plate><metadata key="index" value="1"/><metadata key="weight" value="14.20"/>
<filament id="1" type="PLA" used_g="14.20"/></plate></config>"""


@newest
async def test_a_completed_print_has_its_grams_from_the_printers_own_file(moonraker):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as sliced:
        sliced.writestr("Metadata/slice_info.config", SLICED)
        sliced.writestr("Metadata/plate_1.gcode", "G28\n")
    async with EmulatedBambu("X1C", access_code=ACCESS_CODE, speed=60) as printer:
        printer.ftps.storage.files["benchy.gcode.3mf"] = archive.getvalue()
        printer.start_job("benchy.3mf")
        printer.machine.job.file = "benchy.gcode.3mf"
        config = bambu(printer, ftps_port=printer.ftps.port)
        server = moonraker(config, secrets=SECRETS, base=PRICES)

        async def weighed() -> Any:
            jobs = (await server.get("/server/moonfleet/history/list"))["jobs"]
            done = jobs and jobs[0]["status"] == "completed"
            return jobs[0] if done and [f["grams"] for f in jobs[0]["filament"]] == [14.2] else None

        job = await server.when(weighed, "the print to be over and weighed")
        (used,) = job["filament"]
        assert used["unit"] is not None and used["material"]
        found = await server.get("/server/moonfleet/statistics")
        assert found["fleet"]["filament_grams"] == 14.2
        assert found["fleet"]["cost"]["amount"] == pytest.approx(14.2 * 0.02)


@newest
async def test_the_python_server_of_a_prusa_tells_the_grams_too(moonraker):
    async with EmulatedPrusaLink(
        "python", password=PASSWORD, speed=60, print_seconds=600.0, autopilot=False
    ) as printer:
        server = moonraker(prusa(printer), secrets=SECRETS)
        await server.in_state("mk4", "online")
        async with server.socket() as client:
            await client.result(
                "server.moonfleet.print.start", printer="mk4", filename="parts/gear box.gcode"
            )

        async def weighed() -> Any:
            jobs = (await server.get("/server/moonfleet/history/list"))["jobs"]
            return jobs[0]["filament"] if jobs and jobs[0]["filament"] else None

        (used,) = await server.when(weighed, "the print to be over and weighed")
        assert (used["grams"], used["material"]) == (3.68, "PLA")


def test_a_price_that_is_none_is_a_warning(moonraker):
    server = moonraker(base=BASE.replace("[moonfleet]", "[moonfleet]\nenergy_price: cheap\n"))
    (warning,) = server.warnings()
    assert warning == (
        "[moonfleet] option 'energy_price': 'cheap' is no price; write a number such as 24.90"
    )
