# Printers added, changed, tested and removed through the API
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Without a restart, and still there after one; their credentials go in and never come out."""

from __future__ import annotations

import asyncio
import copy
import functools
from typing import Any

import pytest
import websockets

from tests.emulators.bambu import EmulatedBambu
from tests.emulators.prusalink import EmulatedPrusaLink
from tests.moonraker.conftest import newest
from tests.moonraker.printers import ACCESS_CODE, PASSWORD, SECRETS, prusa
from tests.moonraker.real import Moonraker, free_port

pytestmark = pytest.mark.moonraker
STATUS = "notify_moonfleet_status_update"


def options(printer: EmulatedBambu, **more: Any) -> dict[str, Any]:
    return {
        "type": "bambu",
        "host": printer.host,
        "port": printer.port,
        "serial": printer.serial,
        "access_code": ACCESS_CODE,
        **more,
    }


async def test_a_printer_comes_changes_and_goes_without_a_restart(moonraker):
    async with EmulatedBambu("X1C", access_code=ACCESS_CODE, speed=60) as printer:
        printer.start_job("benchy.3mf")
        server = moonraker()
        async with server.socket() as client:
            answer = await client.result(
                "server.moonfleet.printers.add", name="x1c", **options(printer)
            )
            assert (answer["name"], answer["managed"]) == ("x1c", True)
            news = await client.notified(STATUS, lambda n: n.get("x1c", {}).get("online"))
            assert news
            before = await server.in_state("x1c", "online")

            async def job() -> Any:
                return (await server.get("/server/moonfleet/printer", printer="x1c"))["job"]

            job_id = (await server.when(job, "its job"))["job_id"]
            answer = await client.result(
                "server.moonfleet.printers.update",
                printer="x1c",
                display_name="Garage",
                control="none",
            )
            assert (answer["display_name"], answer["control"]) == ("Garage", "none")
            assert before["control"] == "jobs"
            await server.in_state("x1c", "online")
            refused = await client.call("server.moonfleet.print.cancel", printer="x1c")
            assert refused["error"]["code"] == 403
            await client.result(
                "server.moonfleet.printers.update", printer="x1c", control="jobs", port=printer.port
            )
            await asyncio.to_thread(server.restart)
        await server.in_state("x1c", "online")
        async with server.socket() as client:
            info = await client.result("server.moonfleet.printer", printer="x1c")
            assert (info["display_name"], info["managed"]) == ("Garage", True)
            assert info["job"]["job_id"] == job_id  # changes and restarts are no ends of a job
            gone = await client.result("server.moonfleet.printers.remove", printer="x1c")
            assert gone == {"removed": "x1c"}
            await client.notified(STATUS, lambda n: "x1c" in n and n["x1c"] is None)
            answer = await client.call("server.moonfleet.printer", printer="x1c")
            assert answer["error"]["code"] == -32601
            listed = await client.result("server.moonfleet.history.list", search="benchy")
            (job,) = listed["jobs"]  # its history stays; nobody will see the end of the open job
            assert (job["job_id"], job["status"]) == (job_id, "interrupted")
            assert job["estimated"]["end"] and job["estimated"]["status"]
        everything = str(await server.get("/server/database/list")) + server.log()
        assert ACCESS_CODE not in everything
        status, _ = server.fails("/server/database/item", namespace="moonfleet")
        assert status == 403
        assert "Traceback" not in server.log()


async def test_its_virtual_printer_comes_and_changes_with_it(moonraker):
    async with EmulatedBambu("X1C", access_code=ACCESS_CODE) as printer:
        server, own = moonraker(), free_port()
        through_its_port = copy.copy(server)
        through_its_port.port = own
        ways = (
            (server, "/websocket/moonfleet/x1c/websocket"),
            (through_its_port, "/websocket"),
        )

        async def is_named(name: str, way: Moonraker, path: str) -> bool:
            try:
                async with way.socket(path) as client:
                    return (await client.result("printer.info"))["hostname"] == name
            except (OSError, websockets.InvalidHandshake, websockets.ConnectionClosed):
                return False

        async with server.socket() as client:
            await client.result(
                "server.moonfleet.printers.add",
                name="x1c",
                **options(printer, virtual_port=own, display_name="Bench"),
            )
            for way, path in ways:
                await server.when(functools.partial(is_named, "Bench", way, path), path)
            await client.result(
                "server.moonfleet.printers.update", printer="x1c", display_name="Garage"
            )
            for way, path in ways:
                await server.when(functools.partial(is_named, "Garage", way, path), path)
        assert "virtual_port" not in str(await asyncio.to_thread(server.warnings))


@newest
async def test_bad_changes_change_nothing(moonraker):
    async with EmulatedPrusaLink(password=PASSWORD, autopilot=False) as printer:
        server = moonraker(prusa(printer), secrets=SECRETS)
        good = {"type": "prusalink", "host": "127.0.0.1", "port": 9, "password": "x"}
        cases: list[tuple[str, dict[str, Any], str]] = [
            ("add", {"name": "a b", **good}, "the name 'a b' cannot be used"),
            ("add", {"name": "klipper", **good}, "reserved"),
            ("add", {"name": "MK4", **good}, "'MK4' is taken"),
            ("add", {"name": "new", **good, "type": "bamboo"}, "'bamboo' is not known"),
            ("add", {"name": "new", **good, "port": "x"}, "option 'port': 'x' is not a number"),
            ("add", {"name": "new", **good, "hots": "x"}, "did you mean 'host'?"),
            ("add", {"name": "new", **good, "password": ["x"]}, "must be a text or a number"),
            ("add", {"name": "new", **good, "password": "a\u0000b"}, "no option can hold"),
            ("update", {"printer": "mk4", "control": "none"}, "is in moonraker.conf"),
            ("remove", {"printer": "mk4"}, "is in moonraker.conf"),
            ("remove", {"printer": "nobody"}, "no printer named 'nobody'"),
            ("repin", {"printer": "mk4"}, "no pinned certificate"),
        ]
        async with server.socket() as client:
            for action, params, message in cases:
                answer = await client.call(f"server.moonfleet.printers.{action}", **params)
                assert message in answer["error"]["message"], (action, params, answer)
        names = [p["name"] for p in (await server.get("/server/moonfleet/printers"))["printers"]]
        assert names == ["mk4"]


@newest
async def test_a_trial_tells_what_would_happen_and_stores_nothing(moonraker):
    async with EmulatedBambu("P1S", access_code=ACCESS_CODE) as printer:
        server = moonraker()
        async with server.socket() as client:
            good = await client.result("server.moonfleet.printers.test", **options(printer))
            assert good["ok"] is True and good["connection"]["state"] == "online"
            wrong = await client.result(
                "server.moonfleet.printers.test", **options(printer, access_code="00000000")
            )
            assert wrong["ok"] is False and wrong["connection"]["state"] == "auth_failed"
            assert wrong["connection"]["message"]
            assert (await client.result("server.moonfleet.printers"))["printers"] == []
        assert "00000000" not in server.log() and ACCESS_CODE not in server.log()
