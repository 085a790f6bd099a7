# Virtual printers inside a real Moonraker
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Raw websocket and HTTP clients against ``/websocket/moonfleet/<name>``."""

from __future__ import annotations

import asyncio
import pathlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from .director import Director, bambu, prusa
from .real import ROOT, VERSIONS, Client, Moonraker, free_port

pytestmark = pytest.mark.moonraker
X1C = "/websocket/moonfleet/x1c"
ENVIRON = {"PYTHONPATH": str(ROOT)}


@asynccontextmanager
async def house(
    folder: pathlib.Path, version: str = VERSIONS[-1], config: str = "", **more: Any
) -> AsyncIterator[tuple[Moonraker, Director]]:
    """A Moonraker with a scripted Bambu and Prusa, both online."""
    async with Director(x1c=bambu(), mk4=prusa()) as director:
        moonraker = Moonraker(folder, director.config() + config, version, environ=ENVIRON, **more)
        await asyncio.to_thread(moonraker.start)
        try:
            await online(moonraker, "x1c", "mk4")
            yield moonraker, director
        finally:
            await asyncio.to_thread(moonraker.stop)


async def online(moonraker: Moonraker, *names: str) -> None:
    def ready() -> bool:
        states = [
            moonraker.http(f"/websocket/moonfleet/{name}/server/info")["klippy_state"]
            for name in names
        ]
        return set(states) == {"ready"}

    await asyncio.to_thread(moonraker.until, ready, f"{names} to be online")


async def everything(client: Client) -> dict[str, Any]:
    names = (await client.result("printer.objects.list"))["objects"]
    answer = await client.result("printer.objects.subscribe", objects=dict.fromkeys(names))
    return dict(answer["status"])


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_dashboard_opens_and_lives(tmp_path: pathlib.Path, version: str) -> None:
    async with house(tmp_path, version) as (moonraker, director):
        assert moonraker.http("/server/info")["failed_components"] == []
        assert moonraker.warnings() == []
        async with moonraker.socket(f"{X1C}/websocket") as client:
            who = {"client_name": "test", "version": "1", "type": "web", "url": "http://x"}
            assert (await client.result("server.connection.identify", **who))["connection_id"]
            status = await everything(client)
            assert status["print_stats"]["filename"] == "Benchy.gcode"
            assert status["AFC"]["current_load"] == "A2"
            director.say("x1c", heaters={"extruder": {"temperature": 231.0, "target": 220.0}})
            await client.notified(
                "notify_status_update",
                lambda news: news.get("extruder", {}).get("temperature") == 231.0,
            )
            await client.notified("notify_proc_stat_update")
            assert await client.result("printer.print.pause") == "ok"
            assert director.orders == [("x1c", "pause", {})]
            assert director.state["x1c"]["state"] == "paused"
            refused = await client.call("machine.reboot")
            assert refused["error"]["code"] == 403
            stop = await client.result("printer.emergency_stop")
            assert stop == "ok" and director.state["x1c"]["state"] == "cancelled"
        async with moonraker.socket("/websocket") as host:
            info = await host.result("server.info")
            assert info["websocket_count"] == 1  # virtual clients are no clients of the host


async def test_http_twins(tmp_path: pathlib.Path) -> None:
    async with house(tmp_path) as (moonraker, director):

        def talk() -> None:
            http, fails = moonraker.http, moonraker.fails
            assert http(f"{X1C}/printer/info")["hostname"] == "The x1c"
            query = http(f"{X1C}/printer/objects/query?extruder=target&print_stats")
            assert query["status"]["extruder"] == {"target": 220.0}
            assert query["status"]["print_stats"]["state"] == "printing"
            body = {"objects": {"heater_bed": ["target"]}}
            posted = http(f"{X1C}/printer/objects/query", body)
            assert posted["status"] == {"heater_bed": {"target": 55.0}}
            stored = http(f"{X1C}/server/database/item?namespace=mainsail&key=general")
            assert stored["value"] == {"printername": "The x1c"}
            item = {"namespace": "mainsail", "key": "a.b", "value": 1}
            assert http(f"{X1C}/server/database/item", item) == item
            assert http(f"{X1C}/access/oneshot_token")
            assert http(f"{X1C}/access/info")["default_source"] == "moonraker"
            rpc = {"jsonrpc": "2.0", "method": "server.info", "id": 1}
            assert http(f"{X1C}/server/jsonrpc", rpc)["klippy_state"] == "ready"
            assert fails(f"{X1C}/nonsense")[0] == 404
            assert fails(f"{X1C}/server/files/gcodes/a.gcode")[0] == 404
            assert fails(f"{X1C}/server/files/config/moonraker.conf")[0] == 404
            assert fails(f"{X1C}/printer/print/pause")[0] == 405  # a GET never acts
            assert fails(f"{X1C}/machine/reboot", {})[0] == 403
            assert fails(f"{X1C}/server/files/upload", {})[0] == 501
            unknown = fails("/websocket/moonfleet/nobody/server/info")
            assert unknown[0] == 404 and "nobody" in unknown[1]
            assert director.orders == []
            assert http(f"{X1C}/printer/print/pause", {}) == "ok"

        await asyncio.to_thread(talk)
        assert director.orders == [("x1c", "pause", {})]


async def test_settings_survive_a_restart_and_never_touch_the_host(tmp_path: pathlib.Path) -> None:
    async with house(tmp_path) as (moonraker, _director):
        item = {"namespace": "fluidd", "key": "uiSettings.theme", "value": "blue"}
        await asyncio.to_thread(moonraker.http, f"{X1C}/server/database/item", item)
        names = await asyncio.to_thread(moonraker.http, "/server/database/list")
        assert "moonfleet_virtual" not in names["namespaces"]
        assert "fluidd" not in names["namespaces"]
        status, _ = await asyncio.to_thread(
            moonraker.fails, "/server/database/item?namespace=moonfleet_virtual"
        )
        assert status == 403
        assert await asyncio.to_thread(moonraker.stop) == 0
        await asyncio.to_thread(moonraker.start)
        read = f"{X1C}/server/database/item?namespace=fluidd&key=uiSettings.theme"
        assert (await asyncio.to_thread(moonraker.http, read))["value"] == "blue"
        other = read.replace("x1c", "mk4")
        assert (await asyncio.to_thread(moonraker.fails, other))[0] == 404


async def test_a_printer_that_goes_away_says_so_and_comes_back(tmp_path: pathlib.Path) -> None:
    async with (
        house(tmp_path) as (moonraker, director),
        moonraker.socket(f"{X1C}/websocket") as client,
    ):
        await everything(client)
        director.hang_up("x1c")
        await client.notified(
            "notify_status_update",
            lambda news: news.get("webhooks", {}).get("state") == "shutdown",
        )
        await client.notified(
            "notify_status_update",
            lambda news: news.get("webhooks", {}).get("state") == "ready",
        )
        assert (await client.result("server.info"))["klippy_state"] == "ready"


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_port_of_its_own(tmp_path: pathlib.Path, version: str) -> None:
    async with Director(x1c=bambu(), mk4=prusa()) as director:
        port, taken = free_port(), free_port()
        config = director.config().replace(
            "display_name: The x1c", f"display_name: The x1c\nvirtual_port: {port}"
        )
        config = config.replace(
            "display_name: The mk4", f"display_name: The mk4\nvirtual_port: {taken}"
        )
        blocker = await asyncio.start_server(lambda r, w: None, "127.0.0.1", taken)
        moonraker = Moonraker(tmp_path, config, version, environ=ENVIRON)
        await asyncio.to_thread(moonraker.start)
        try:
            await online(moonraker, "x1c")
            (warning,) = await asyncio.to_thread(moonraker.warnings)
            assert "[moonfleet mk4]: virtual_port" in warning and str(taken) in warning
            moonraker.port = port
            info = await asyncio.to_thread(moonraker.http, "/printer/info")
            assert info["hostname"] == "The x1c"
            status, _ = await asyncio.to_thread(moonraker.fails, "/server/files/upload", {})
            assert status == 501
            async with moonraker.socket("/websocket") as client:
                assert (await everything(client))["extruder"]["target"] == 220.0
                assert await client.result("printer.print.pause") == "ok"
            assert director.orders == [("x1c", "pause", {})]
        finally:
            blocker.close()
            await asyncio.to_thread(moonraker.stop)


@pytest.mark.parametrize("version", VERSIONS)
async def test_mainsails_own_list_of_printers(tmp_path: pathlib.Path, version: str) -> None:
    async with house(tmp_path, version) as (moonraker, _director):

        def talk() -> None:
            path = "/server/moonfleet/mainsail"
            here = {"hostname": "pi.local", "port": 80}
            assert moonraker.http(path) == {"listed": []}
            status, reason = moonraker.fails(path, here)
            assert status == 409 and "Open Mainsail once" in reason
            mine = {"hostname": "pi.local", "port": 7125, "path": "/", "name": "Mine"}
            item = {"namespace": "mainsail", "key": "remoteprinters.printers.abc", "value": mine}
            moonraker.http("/server/database/item", item)
            assert set(moonraker.http(path, here)["listed"]) == {"x1c", "mk4"}
            stored = "/server/database/item?namespace=mainsail&key=remoteprinters.printers"
            printers = moonraker.http(stored)["value"]
            assert len(printers) == 3 and printers["abc"] == mine
            paths = {entry["path"] for entry in printers.values()}
            assert X1C in paths
            assert len(moonraker.http(path, here)["listed"]) == 2  # again changes nothing
            assert moonraker.http(stored)["value"] == printers
            assert moonraker.fails(path, {"hostname": "a b"})[0] == 400

        await asyncio.to_thread(talk)
        async with moonraker.socket() as client:
            gone = await client.result("server.moonfleet.delete_mainsail")
            assert gone == {"listed": []}
            left = await client.result(
                "server.database.get_item", namespace="mainsail", key="remoteprinters.printers"
            )
            assert list(left["value"]) == ["abc"]
