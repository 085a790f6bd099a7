# The whole road: printer bytes to what a client sees, and back
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""One emulated printer of each brand in a real Moonraker of each release."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.emulators.bambu import EmulatedBambu
from tests.emulators.prusalink import EmulatedPrusaLink
from tests.moonraker.printers import ACCESS_CODE, PASSWORD, SECRETS, bambu, prusa
from tests.moonraker.real import Client, Moonraker

pytestmark = pytest.mark.moonraker
STATUS = "notify_moonfleet_status_update"
HISTORY = "notify_moonfleet_history_changed"
EVENT = "notify_moonfleet_event"


@pytest.fixture
async def x1c():
    async with EmulatedBambu("X1C", access_code=ACCESS_CODE, speed=60, job_seconds=3600) as printer:
        yield printer


@pytest.fixture
async def mk4():
    printer = EmulatedPrusaLink(
        model="MK4S", password=PASSWORD, speed=60, print_seconds=3600, autopilot=False
    )
    async with printer:
        yield printer


async def state_is(server: Moonraker, name: str, state: str) -> dict[str, Any]:
    async def reached() -> Any:
        info = await server.get("/server/moonfleet/printer", printer=name)
        return info if info["snapshot"]["state"] == state else None

    return dict(await server.when(reached, f"{name} to be {state}"))


async def act(client: Client, action: str, name: str) -> dict[str, Any]:
    return dict(await client.result(f"server.moonfleet.print.{action}", printer=name))


async def see_a_job(server: Moonraker, name: str) -> None:
    """Pause, resume and cancel a running job, each proven, and find it in the history."""
    async with server.socket() as client:
        info = await state_is(server, name, "printing")
        job_id = info["job"]["job_id"]
        paused = await act(client, "pause", name)
        assert paused == {
            "printer": name,
            "action": "pause",
            "result": "accepted",
            "reason": None,
            "state": "paused",
        }
        again = await act(client, "pause", name)
        assert (again["result"], again["reason"]) == ("rejected", "nothing is printing")
        resumed = await act(client, "resume", name)
        assert (resumed["result"], resumed["state"]) == ("accepted", "printing")
        await client.notified(
            STATUS, lambda news: news.get(name, {}).get("snapshot", {}).get("state") == "paused"
        )
        cancelled = await act(client, "cancel", name)
        assert cancelled["result"] == "accepted"
        news = await client.notified(HISTORY, lambda n: n["action"] == "finished")
        assert (news["job"]["job_id"], news["job"]["status"]) == (job_id, "cancelled")
        for kind in ("job_paused", "job_resumed", "job_finished", "action_confirmed"):
            event = await client.notified(EVENT, lambda e, kind=kind: e["type"] == kind)
            assert event["printer"] == name
        jobs = await client.result("server.moonfleet.history.list", printer=name)
        assert [job["job_id"] for job in jobs["jobs"]] == [job_id]
        job = await client.result("server.moonfleet.history.job", job_id=job_id)
        assert job["status"] == "cancelled" and job["printer"] == name
        assert job["pause_duration"] > 0.0 and job["end_time"] >= job["start_time"]


async def see_a_heater_become_ready(server: Moonraker, name: str) -> None:
    async def heating() -> Any:
        heaters = (await server.get("/server/moonfleet/eta", printer=name))["heaters"]
        return [h for h in heaters if h["heating"] and h["eta"] and h["ready_at"]]

    (first, *_) = await server.when(heating, "a heater to heat")
    assert first["printer"] == name and not first["ready"]

    async def ready() -> Any:
        heaters = (await server.get("/server/moonfleet/eta", printer=name))["heaters"]
        return [h for h in heaters if h["heater"] == first["heater"] and h["ready"]]

    (done,) = await server.when(ready, f"{first['heater']} to be ready", 120.0)
    assert done["eta"] == 0.0 and done["ready_at"] is None


async def test_a_bambu(moonraker, x1c):
    server = moonraker(bambu(x1c), secrets=SECRETS)
    info = await server.in_state("x1c", "online")
    assert info["type"] == "bambu" and info["snapshot"]["model"]
    x1c.start_job("benchy.3mf")
    await see_a_heater_become_ready(server, "x1c")
    await see_a_job(server, "x1c")
    assert server.warnings() == []


async def test_a_prusa(moonraker, mk4):
    # it prints before we come: an idle printer is asked so rarely that a test would wait for it
    mk4.machine.start_print(mk4.file("cube.gcode"))
    server = moonraker(prusa(mk4), secrets=SECRETS)
    await server.in_state("mk4", "online")
    await see_a_job(server, "mk4")
    heaters = (await server.get("/server/moonfleet/eta", printer="mk4"))["heaters"]
    assert {heater["heater"] for heater in heaters} == {"extruder", "heater_bed"}
    assert server.warnings() == []


async def test_an_open_job_outlives_moonraker(moonraker, x1c, mk4):
    """Stopped by the service manager, killed, restarted in the process: always the same job."""
    mk4.machine.start_print(mk4.file("cube.gcode"))
    server = moonraker(bambu(x1c) + prusa(mk4), secrets=SECRETS)
    for name in ("x1c", "mk4"):
        await server.in_state(name, "online")
    x1c.start_job("benchy.3mf")
    jobs = {
        name: (await state_is(server, name, "printing"))["job"]["job_id"] for name in ("x1c", "mk4")
    }
    await asyncio.to_thread(server.stop)
    await asyncio.to_thread(server.start)
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)
    await asyncio.to_thread(server.restart)
    for name, job_id in jobs.items():
        await server.in_state(name, "online")
        info = await state_is(server, name, "printing")
        assert info["job"]["job_id"] == job_id
    async with server.socket() as client:
        for name in jobs:
            assert (await act(client, "cancel", name))["result"] == "accepted"
        listed = await client.result("server.moonfleet.history.list")
    assert {job["job_id"]: job["status"] for job in listed["jobs"]} == dict.fromkeys(
        jobs.values(), "cancelled"
    )
    assert "Traceback" not in server.log()


async def test_credentials_are_nowhere_to_be_found(moonraker, x1c, mk4):
    server = moonraker(bambu(x1c) + prusa(mk4), secrets=SECRETS)
    for name in ("x1c", "mk4"):
        await server.in_state(name, "online")
    replies = [
        str(await server.get(f"/server/moonfleet/{path}"))
        for path in ("printers", "status", "events", "history/list")
    ]
    replies.append(str(await server.get("/server/config")))
    await asyncio.to_thread(server.stop)
    everything = server.log() + "".join(replies)
    assert x1c.requests  # it did log in
    for secret in (ACCESS_CODE, PASSWORD):
        assert secret not in everything
    assert x1c.serial not in server.log().replace(f"serial = {x1c.serial}", "")


async def test_the_open_job_of_a_printer_that_is_no_more_is_interrupted(moonraker, x1c):
    x1c.start_job("benchy.3mf")
    server = moonraker(bambu(x1c), secrets=SECRETS)
    job_id = (await state_is(server, "x1c", "printing"))["job"]["job_id"]
    await asyncio.to_thread(server.stop)
    text = server.config_file.read_text()
    server.config_file.write_text(text[: text.index("[moonfleet x1c]")])
    await asyncio.to_thread(server.start)

    async def closed() -> bool:
        job = await server.get("/server/moonfleet/history/job", job_id=job_id)
        return bool(job["status"] == "interrupted" and job["estimated"]["status"])

    await server.when(closed, "the job to be closed")
