# The emulated printers refuse what the real ones refuse
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Limits and habits that no recording shows; known from the firmware's and the server's sources."""

from __future__ import annotations

import asyncio
import json
import pathlib
import sys

import pytest

from tests.emulators.prusalink import EmulatedPrusaLink

from .stage import until
from .wire import ask

GCODE = {"Content-Type": "text/x.gcode"}


def printer(flavour: str, **options: object) -> EmulatedPrusaLink:
    return EmulatedPrusaLink(flavour, autopilot=False, password="k", **options)  # type: ignore[arg-type]


async def test_three_slots() -> None:
    async with printer("buddy", clients=None) as emulated:
        emulated.faults.slow = 0.05
        await asyncio.gather(*(ask(emulated.port, "GET", "/api/version") for _ in range(9)))
        assert emulated.stats.peak_active == 3


async def test_too_many_connections_are_told_at_the_end() -> None:
    hello = b"GET /api/version HTTP/1.1\r\nX-Api-Key: k\r\n\r\n"
    with pytest.raises(AssertionError, match="3 connections at GET /api/version"):
        async with printer("buddy") as emulated:
            writers = []
            for _ in range(3):
                reader, writer = await asyncio.open_connection("127.0.0.1", emulated.port)
                writer.write(hello)
                await reader.readuntil(b"\r\n\r\n")  # answered, and kept alive
                writers.append(writer)
                assert bool(emulated.limits.violations) is (len(writers) == 3)
            for writer in writers:
                writer.close()


@pytest.mark.parametrize("flavour", ["buddy", "python"])
async def test_two_requests_at_once_are_told_at_the_end(flavour: str) -> None:
    with pytest.raises(AssertionError, match="in flight together: GET /api/v1/info, GET /api/v"):
        async with printer(flavour) as emulated:
            emulated.faults.slow = 0.2
            paths = ("/api/v1/info", "/api/version")
            await asyncio.gather(*(ask(emulated.port, "GET", path) for path in paths))


@pytest.mark.parametrize("flavour", ["buddy", "python"])
async def test_one_stream_and_one_request_at_once_are_fine(flavour: str) -> None:
    place = "/api/v1/files/" + ("usb" if flavour == "buddy" else "local")
    big = b"G28\n" * 200_000
    with pytest.raises(AssertionError, match=f"PUT {place}/a.gcode, PUT {place}/b.gcode"):
        async with printer(flavour) as emulated:
            held = emulated.faults.stalled = asyncio.Event()
            uploads = [asyncio.ensure_future(
                ask(emulated.port, "PUT", f"{place}/a.gcode", GCODE, big)
            )]  # fmt: skip
            await until(lambda: emulated.flavour.incoming is not None)
            for _ in range(3):
                assert (await ask(emulated.port, "GET", "/api/v1/status")).status == 200
            assert not emulated.limits.violations and not uploads[0].done()
            uploads.append(asyncio.ensure_future(
                ask(emulated.port, "PUT", f"{place}/b.gcode", GCODE, big)
            ))  # fmt: skip
            await until(lambda: emulated.limits.violations)
            held.set()
            await asyncio.gather(*uploads, return_exceptions=True)


async def test_a_buddys_limits() -> None:
    async with printer("buddy") as emulated:
        long = "/api/v1/files/usb/" + "a" * 150 + ".gcode"
        assert (await ask(emulated.port, "GET", long)).status == 414
        target = "/api/v1/files/usb/a.gcode"
        chunked = {"Transfer-Encoding": "chunked"}
        assert (await ask(emulated.port, "PUT", target, chunked)).status == 411
        empty = {"Content-Length": "0"}
        assert (await ask(emulated.port, "PUT", target, empty)).status == 501
        stl = "/api/v1/files/usb/a.stl"
        assert (await ask(emulated.port, "PUT", stl, None, b"solid")).status == 415
        once = await ask(emulated.port, "PUT", target, {"Overwrite": "true"}, b"G28\n")
        again = await ask(emulated.port, "PUT", target, {"Overwrite": "true"}, b"G28\n")
        assert (once.status, again.status) == (201, 409), "only ?1 means yes"
        assert (await ask(emulated.port, "DELETE", "/api/v1/transfer")).status == 405
        assert (await ask(emulated.port, "POST", "/api/printer/ready")).status == 405
        assert (await ask(emulated.port, "GET", "/api/v1/cameras")).status == 404


@pytest.mark.parametrize("flavour", ["buddy", "python"])
async def test_wrong_keys(flavour: str) -> None:
    async with printer(flavour) as emulated:
        reply = await ask(emulated.port, "GET", "/api/version", key="wrong")
        assert reply.status == {"buddy": 401, "python": 403}[flavour]
        assert len(emulated.stats.refused) == 1
        assert (await ask(emulated.port, "GET", "/api/version", key=None)).status == 401
        head = await ask(emulated.port, "HEAD", "/api/v1/files/local/cube.gcode", key=None)
        assert head.status == {"buddy": 401, "python": 200}[flavour], "one of them leaks"


async def test_a_print_by_itself_from_heating_to_its_end() -> None:
    now = 0.0
    emulated = printer("buddy", speed=20.0, print_seconds=1200.0)
    machine = emulated.machine
    machine.clock = lambda: now
    machine._seen = 0.0
    assert machine.start_print(emulated.file())
    seen = []
    while machine.state == "PRINTING":
        now += 0.5
        machine.advance()
        seen.append((machine.nozzle.temperature, machine.job.progress if machine.job else 1.0))
        assert now < 300.0
    job_length = 1200.0 * emulated.file().share / 20.0
    heating = sum(1 for _, progress in seen if progress == 0.0) * 0.5
    assert 5.0 < heating < 40.0, "twenty times faster than a real bed"
    assert now - heating == pytest.approx(job_length, abs=3.0)
    assert machine.state == "FINISHED" and max(heat for heat, _ in seen) > 210.0


async def test_the_command_line_says_when_it_is_ready() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.emulators.prusalink", "--flavour", "python"),
        *("--password", "k", "--no-autopilot"),
        stdout=asyncio.subprocess.PIPE,
        cwd=pathlib.Path(__file__).parents[3],
    )
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), 30.0)).decode()
    assert line.startswith("ready host=127.0.0.1 port=")
    reply = await ask(int(line.split("port=")[1].split()[0]), "GET", "/api/version")
    assert json.loads(reply.body)["text"] == "PrusaLink 0.8.1"
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 30.0) == 0
