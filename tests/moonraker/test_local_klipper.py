# The local Klipper as a member of the fleet
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""A klippy host with the real heater_eta extra behind a real Moonraker."""

from __future__ import annotations

import asyncio
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

from tests.emulators.klippy_host.demo import JOB, write_job
from tests.moonraker.conftest import newest
from tests.moonraker.real import ROOT, Moonraker

pytestmark = pytest.mark.moonraker
# much faster, and the noise of the sensor is as steep as Klipper's settle slope: M109 ends by luck
SPEED = "12"


class KlippyHost:
    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.socket = folder / "klippy.sock"
        self.gcodes = folder / "data" / "gcodes"
        self.process: subprocess.Popen[str]

    def start(self) -> None:
        self.gcodes.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "tests.emulators.klippy_host"]
        command += ["--speed", SPEED]
        command += ["--socket", str(self.socket), "--gcodes", str(self.gcodes)]
        command += ["--data", str(self.folder / "data"), "--log", str(self.folder / "klippy.log")]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline().startswith("ready")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def klippy() -> Iterator[KlippyHost]:
    # not below tmp_path: the path of a unix socket must be short
    with tempfile.TemporaryDirectory(prefix="mf-") as folder:
        host = KlippyHost(pathlib.Path(folder))
        host.start()
        yield host
        host.stop()


def start(moonraker: Any, klippy: KlippyHost) -> Moonraker:
    return moonraker(klippy=klippy.socket)


async def joined(server: Moonraker) -> dict[str, Any]:
    async def there() -> Any:
        printers = (await server.get("/server/moonfleet/printers"))["printers"]
        return [p for p in printers if p["name"] == "klipper" and p["online"]]

    (info,) = await server.when(there, "the local Klipper to join")
    return dict(info)


async def test_it_joins_heats_prints_and_goes(moonraker, klippy):
    server = start(moonraker, klippy)
    info = await joined(server)
    assert (info["type"], info["virtual"], info["control"]) == ("klipper", None, "jobs")
    assert info["capabilities"] == ["cancel", "pause", "resume"]
    assert info["snapshot"]["state"] == "standby"
    assert set(info["heaters"]) == {"extruder", "heater_bed", "chamber"}
    async with server.socket() as client:
        await client.result("printer.gcode.script", script="M104 S215")
        await client.notified(
            "notify_moonfleet_event",
            lambda e: e["type"] == "heater_ready" and e["heater"] == "extruder",
            timeout=120,
        )
        eta = (await client.result("server.moonfleet.eta", printer="klipper"))["heaters"]
        assert {h["heater"]: h["ready"] for h in eta}["extruder"] is True
        # without waiting for heaters: a pause would wait with them, behind the G-code mutex
        job = write_job(klippy.gcodes, layers=2000)
        lines = job.read_text().splitlines()
        job.write_text("\n".join(line for line in lines if not line.startswith("M1")) + "\n")
        await client.result("printer.print.start", filename=JOB)

        async def state_is(state: str) -> dict[str, Any]:
            async def reached() -> Any:
                now = await client.result("server.moonfleet.printer", printer="klipper")
                return now if now["snapshot"]["state"] == state else None

            return dict(await server.when(reached, f"klipper to be {state}"))

        info = await state_is("printing")
        assert info["snapshot"]["job"]["filename"] == JOB
        for action, state in (("pause", "paused"), ("resume", "printing"), ("cancel", "cancelled")):
            done = await client.result(f"server.moonfleet.print.{action}", printer="klipper")
            assert (done["result"], done["state"]) == ("accepted", state), done
        await client.notified("notify_moonfleet_event", lambda e: e["type"] == "job_finished")
        news = await client.notified(
            "notify_moonfleet_history_changed", lambda n: n["action"] == "finished"
        )
        # merged on reading from Moonraker's own history, never copied
        (job,) = (await client.result("server.moonfleet.history.list"))["jobs"]
        assert (job["printer"], job["status"], job["filename"]) == ("klipper", "cancelled", JOB)
        assert news["job"]["job_id"] == job["job_id"] == "klipper-000001"
        one = await client.result("server.moonfleet.history.job", job_id=job["job_id"])
        assert one == job
        own = (await client.result("server.history.list"))["jobs"]
        assert [row["start_time"] for row in own] == [pytest.approx(job["start_time"], abs=0.01)]
    # Klipper goes, and is missed; it comes back, and is found again
    await asyncio.to_thread(klippy.stop)
    gone = await server.in_state("klipper", "unreachable")
    assert "not running" in gone["connection"]["message"]
    assert gone["heaters"] == {}
    status, message = server.fails("/server/moonfleet/print/pause", {"printer": "klipper"})
    assert status == 503 and "not running" in message
    await asyncio.to_thread(klippy.start)
    await joined(server)
    assert "Traceback" not in server.log()


@newest
async def test_an_emergency_stop_is_seen(moonraker, klippy):
    server = start(moonraker, klippy)
    await joined(server)
    async with server.socket() as client:
        await client.call("printer.emergency_stop")
        info = await server.in_state("klipper", "fault")
        assert "Klipper is shut down" in info["connection"]["message"]
        await client.call("printer.firmware_restart")
    await joined(server)


@newest
async def test_a_klipper_that_was_seen_is_expected_after_a_restart(moonraker, klippy):
    server = start(moonraker, klippy)
    await joined(server)
    await asyncio.to_thread(klippy.stop)
    await asyncio.to_thread(server.restart)
    info = await server.in_state("klipper", "connecting")
    assert not info["online"]
    await asyncio.to_thread(klippy.start)
    await joined(server)


async def test_its_etas_are_sensors_and_its_heat_ups_stand_in_moonrakers_history(moonraker, klippy):
    server = moonraker("eta_sensors: True\n", klippy=klippy.socket)
    await joined(server)
    async with server.socket() as client:
        # long enough for "ready" to be told before the job turns the heaters off
        job = write_job(klippy.gcodes, layers=6)
        lines = [line for line in job.read_text().splitlines() if "M140" not in line]
        job.write_text("\n".join(line for line in lines if "M190" not in line) + "\n")
        await client.result("printer.print.start", filename=JOB)
        await client.notified(
            "notify_sensor_update",
            lambda news: news.get("eta_extruder", {}).get("seconds_to_ready", 0) > 0,
            timeout=120,
        )
        sensors = (await client.result("server.sensors.list", extended=True))["sensors"]
        assert set(sensors) == {"eta_extruder", "eta_heater_bed", "eta_chamber"}
        assert sensors["eta_extruder"]["parameter_info"] == [
            {"name": "seconds_to_ready", "units": "s"}
        ]
        measured = await client.result("server.sensors.measurements", sensor="eta_extruder")
        assert max(measured["eta_extruder"]["seconds_to_ready"]) > 0

        async def ended() -> Any:
            jobs = (await client.result("server.history.list"))["jobs"]
            return [row for row in jobs if row["status"] == "completed"]

        (row,) = await server.when(ended, "the job to end", timeout=120)
        fields = {f["name"]: f for f in row["auxiliary_data"] if f["provider"] == "moonfleet"}
        assert fields["heatup_time"]["value"] > 0 and fields["heatup_time"]["units"] == "s"
        assert fields["eta_error"]["value"] >= 0
        (ours,) = (await client.result("server.moonfleet.history.list"))["jobs"]
        assert ours["heatup_time"] == fields["heatup_time"]["value"]


@newest
@pytest.mark.parametrize("klippy", [8], indirect=True)
async def test_a_wait_for_a_heater_is_cancelled_over_http(moonraker, klippy):
    """Plain Klipper has no interrupt: a command would queue behind the wait, this does not."""
    server = start(moonraker, klippy)
    await joined(server)
    async with server.socket() as client:
        await client.result("printer.gcode.script", script="M140 S100")
        script = "HEATER_ETA_WAIT HEATER=heater_bed"
        waiting = asyncio.ensure_future(client.call("printer.gcode.script", script=script))

        async def ended() -> bool:  # until the wait has begun there is nothing to cancel
            await asyncio.to_thread(server.http, "/printer/heater_eta/cancel", {})
            return waiting.done()

        await server.when(ended, "the wait to end")
        assert "heater_bed: wait cancelled" in waiting.result()["error"]["message"]
