# Who may talk to a virtual printer, and how much
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Moonraker's own authorization, origins, tokens, limits; hostile and slow clients."""

from __future__ import annotations

import asyncio
import http.client
import json
import pathlib
import socket
import textwrap
from typing import Any

import pytest
import websockets
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.bench.instance_clients import call, handshake

from .director import Director, bambu
from .real import BASE, ROOT, VERSIONS, Moonraker
from .test_virtual_printers import ENVIRON, X1C, everything, house

pytestmark = pytest.mark.moonraker
CLOSED = BASE.replace("trusted_clients:\n    127.0.0.1", "cors_domains:\n    http://good.example")
WHO = {"client_name": "test", "version": "1", "type": "web", "url": "http://x"}


def request(
    moonraker: Moonraker, verb: str, path: str, body: Any = None, **headers: str
) -> tuple[int, dict[str, str], Any]:
    """Status, headers and decoded body of one HTTP request."""
    connection = http.client.HTTPConnection("127.0.0.1", moonraker.port, timeout=60)
    data = None if body is None else json.dumps(body)
    head = {"Content-Type": "application/json"} if data is not None else {}
    connection.request(
        verb, path, data, {**head, **{k.replace("_", "-"): v for k, v in headers.items()}}
    )
    reply = connection.getresponse()
    text = reply.read()
    connection.close()
    found = {key.lower(): value for key, value in reply.getheaders()}
    return reply.status, found, json.loads(text) if text else None


async def ask(moonraker: Moonraker, *arguments: Any, **headers: str) -> tuple[int, dict, Any]:  # type: ignore[type-arg]
    return await asyncio.to_thread(request, moonraker, *arguments, **headers)


class Elsewhere(Moonraker):
    """Answers at another path, or only to who shows a credential."""

    info = "/server/info"

    def _answers(self) -> bool:
        try:
            return request(self, "GET", self.info)[0] in (200, 401)
        except OSError:
            return False


def closed_moonraker(folder: pathlib.Path, director: Director, version: str) -> Moonraker:
    """Trusts nobody by address; there is one user."""
    moonraker = Elsewhere(folder, director.config(), version, environ=ENVIRON, base=CLOSED)
    moonraker.start()
    return moonraker


@pytest.mark.parametrize("version", VERSIONS)
async def test_only_who_moonraker_lets_in(tmp_path: pathlib.Path, version: str) -> None:
    async with Director(x1c=bambu()) as director:
        moonraker = await asyncio.to_thread(closed_moonraker, tmp_path, director, version)
        try:
            await _strangers(moonraker, director)
            await _users(moonraker)
        finally:
            await asyncio.to_thread(moonraker.stop)


async def _strangers(moonraker: Moonraker, director: Director) -> None:
    for verb, path in (
        ("GET", f"{X1C}/server/info"),
        ("POST", f"{X1C}/printer/print/cancel"),
        ("POST", f"{X1C}/server/jsonrpc"),
        ("GET", f"{X1C}/access/oneshot_token"),
        ("POST", f"{X1C}/server/files/upload"),
    ):
        status, _, body = await ask(moonraker, verb, path, {} if verb == "POST" else None)
        assert status == 401, (path, body)
    async with moonraker.socket(f"{X1C}/websocket") as stranger:
        for method in ("server.info", "printer.objects.list", "printer.print.cancel"):
            answer = await stranger.call(method)
            assert answer["error"] == {"code": -32602, "message": "Unauthorized"}
        wrong = await stranger.call("server.connection.identify", **WHO)
        assert wrong["error"]["message"] == "Unauthorized"
        key = await stranger.call("server.connection.identify", **WHO, api_key="0" * 32)
        assert "error" in key
        assert "login" in str(await stranger.result("access.info"))
    assert director.orders == []


async def _users(moonraker: Moonraker) -> None:
    async with moonraker.socket(f"{X1C}/websocket") as client:
        # the first user is made as a trusted or key-bearing client; the key is in the database
        key = await asyncio.to_thread(api_key, moonraker)
        assert (await client.result("server.connection.identify", **WHO, api_key=key))[
            "connection_id"
        ]
        await client.result("access.post_user", username="anna", password="correct horse")
    async with moonraker.socket(f"{X1C}/websocket") as client:
        login = await client.result("access.login", username="anna", password="correct horse")
        names = (await client.result("printer.objects.list"))["objects"]
        assert "extruder" in names
        await everything(client)
        token = login["token"]
        status, _, body = await ask(
            moonraker, "GET", f"{X1C}/server/info", Authorization=f"Bearer {token}"
        )
        assert status == 200 and body["result"]["klippy_connected"]
        oneshot = await client.result("access.oneshot_token")
        status, _, _ = await ask(moonraker, "GET", f"{X1C}/server/info?token={oneshot}")
        assert status == 200
        status, _, _ = await ask(moonraker, "GET", f"{X1C}/server/info?token={oneshot}")
        assert status == 401  # it was for once
        status, _, body = await ask(
            moonraker, "GET", f"{X1C}/access/user", Authorization=f"Bearer {token}"
        )
        assert status == 200 and body["result"]["username"] == "anna"
        status, _, _ = await ask(
            moonraker, "POST", f"{X1C}/access/logout", {}, Authorization=f"Bearer {token}"
        )
        assert status == 200
        # the socket of somebody who logged out must show who it is again
        for _ in range(500):
            answer = await client.call("printer.objects.list")
            if "error" in answer:
                break
            await asyncio.sleep(0.02)
        assert answer["error"]["message"] == "Unauthorized"


def api_key(moonraker: Moonraker) -> str:
    """As its owner reads it on the machine itself, over the unix socket."""
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(moonraker.folder / "comms" / "moonraker.sock"))
        line.settimeout(30)
        line.sendall(b'{"jsonrpc":"2.0","method":"access.get_api_key","id":1}\x03')
        received = b""
        while True:
            news = line.recv(65536)
            assert news, "Moonraker closed its unix socket"
            received += news
            for part in received.split(b"\x03")[:-1]:
                message = json.loads(part)
                if message.get("id") == 1:
                    return str(message["result"])


async def test_other_origins(tmp_path: pathlib.Path) -> None:
    async with house(tmp_path) as (moonraker, _director):
        url = f"ws://127.0.0.1:{moonraker.port}{X1C}/websocket"
        with pytest.raises(InvalidStatus) as refused:
            await websockets.connect(url, origin="http://evil.example")  # type: ignore[arg-type]
        assert refused.value.response.status_code == 403
        own = f"http://127.0.0.1:{moonraker.port}"
        async with websockets.connect(url, origin=own):  # type: ignore[arg-type]
            pass
        _, headers, _ = await ask(
            moonraker, "GET", f"{X1C}/server/info", Origin="http://evil.example"
        )
        assert "access-control-allow-origin" not in headers
    async with Director(x1c=bambu()) as director:
        cors = Moonraker(
            tmp_path / "cors",
            director.config(),
            environ=ENVIRON,
            base=BASE.replace(
                "[authorization]\n", "[authorization]\ncors_domains:\n    http://good.example\n"
            ),
        )
        await asyncio.to_thread(cors.start)
        try:
            origin = {"Origin": "http://good.example"}
            _, headers, _ = await ask(cors, "GET", f"{X1C}/server/info", **origin)
            assert headers["access-control-allow-origin"] == "http://good.example"
            status, headers, _ = await ask(cors, "OPTIONS", f"{X1C}/printer/print/pause", **origin)
            assert status == 204 and "POST" in headers["access-control-allow-methods"]
        finally:
            await asyncio.to_thread(cors.stop)


async def test_each_printer_has_its_own_number_of_connections(tmp_path: pathlib.Path) -> None:
    base = BASE.replace("[machine]", "max_websocket_connections: 3\n\n[machine]")
    async with house(tmp_path, base=base) as (moonraker, _director):
        url = f"ws://127.0.0.1:{moonraker.port}"
        open_ones = [await websockets.connect(f"{url}{X1C}/websocket") for _ in range(3)]
        with pytest.raises(InvalidStatus) as refused:
            await websockets.connect(f"{url}{X1C}/websocket")
        assert refused.value.response.status_code == 503
        for path in ("/websocket/moonfleet/mk4/websocket", "/websocket"):
            open_ones.append(await websockets.connect(url + path))
        for connection in open_ones:
            await connection.close()

        async def again() -> bool:
            try:
                await (await websockets.connect(f"{url}{X1C}/websocket")).close()
            except InvalidStatus:
                return False
            return True

        for _ in range(500):
            if await again():
                return
            await asyncio.sleep(0.02)
        raise AssertionError("no connection became free")


async def test_hostile_clients_harm_nobody(tmp_path: pathlib.Path) -> None:
    async with house(tmp_path) as (moonraker, director):
        url = f"ws://127.0.0.1:{moonraker.port}{X1C}/websocket"
        async with moonraker.socket(f"{X1C}/websocket") as good:
            await everything(good)
            async with websockets.connect(url) as bad:
                for text in ("{", "[" * 50_000, '"x"', "[]", "{}", '[{"jsonrpc": "2.0"}]'):
                    await bad.send(text)
                    assert "error" in (await _answer(bad))
                await bad.send(b"\xff\xfe")
                await bad.send("x" * (1024 * 1024 + 1))
                assert "error" in (await _answer(bad))
            huge = await websockets.connect(url)
            with pytest.raises(ConnectionClosed):
                await huge.send("x" * 5_000_000)
                while True:
                    await asyncio.wait_for(huge.recv(), 30)
            await asyncio.wait_for(_flood(url), 60)
            director.say("x1c", speed_factor=0.5)
            await good.notified(
                "notify_status_update",
                lambda news: news.get("gcode_move", {}).get("speed_factor") == 0.5,
            )
            assert (await good.result("server.info"))["klippy_state"] == "ready"
        assert await asyncio.to_thread(moonraker.warnings) == []


async def _flood(url: str) -> None:
    """Ask without end, and read what comes, until the server has had enough."""
    flood = await websockets.connect(url)
    ping = json.dumps({"jsonrpc": "2.0", "method": "server.info", "id": 1})

    async def read() -> None:
        async for _ in flood:
            pass

    reader = asyncio.ensure_future(read())
    with pytest.raises(ConnectionClosed):
        while True:
            await flood.send(ping)
            await asyncio.sleep(0)
    await asyncio.gather(reader, return_exceptions=True)


async def _answer(connection: Any) -> dict[str, Any]:
    while True:
        message = json.loads(await asyncio.wait_for(connection.recv(), 30))
        if isinstance(message, list):
            message = message[0]
        if "method" not in message:
            return dict(message)


async def test_who_asks_and_reads_late_gets_every_answer_and_harms_nobody(
    tmp_path: pathlib.Path,
) -> None:
    async with house(tmp_path) as (moonraker, director):
        line = _line(moonraker.port)
        asked = 300
        question = call("printer.objects.query", {"objects": {"configfile": None}})
        await asyncio.to_thread(line.sendall, handshake(f"{X1C}/websocket") + question * asked)
        async with moonraker.socket(f"{X1C}/websocket") as good:
            await everything(good)
            director.say("x1c", speed_factor=0.5)
            await good.notified(
                "notify_status_update",
                lambda news: news.get("gcode_move", {}).get("speed_factor") == 0.5,
            )
        assert await asyncio.to_thread(_results, line) == asked


def _line(port: int) -> socket.socket:
    """Its kernel keeps little: what is not read waits at the server."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.settimeout(60)
    line.connect(("127.0.0.1", port))
    return line


def _results(line: socket.socket) -> int:
    """Answers that come, until nothing more does."""
    found, rest = 0, b""
    with line:
        while found < 300:
            news = line.recv(65536)
            if not news:
                break
            rest += news
            found += rest.count(b'"result":')
            rest = rest[-8:]
    return found


async def test_a_route_prefix_is_honoured(tmp_path: pathlib.Path) -> None:
    async with Director(x1c=bambu()) as director:
        base = BASE.replace("[machine]", "route_prefix: farm/pi1\n\n[machine]")
        moonraker = Elsewhere(tmp_path, director.config(), environ=ENVIRON, base=base)
        moonraker.info = "/farm/pi1/server/info"
        await asyncio.to_thread(moonraker.start)
        try:
            path = f"/farm/pi1{X1C}"
            info = await asyncio.to_thread(moonraker.http, f"{path}/server/info")
            assert info["klippy_connected"]
            async with moonraker.socket(f"{path}/websocket") as client:
                assert (await client.result("printer.info"))["hostname"] == "The x1c"
        finally:
            await asyncio.to_thread(moonraker.stop)


SABOTAGE = """
    import importlib.abc, importlib.machinery, sys

    class Saboteur(importlib.abc.MetaPathFinder):
        def find_spec(self, name, path, target=None):
            if name != "moonraker.components.websockets":
                return None
            sys.meta_path.remove(self)
            spec = importlib.machinery.PathFinder.find_spec(name, path)
            load = spec.loader.exec_module

            def exec_module(module):
                load(module)
                del module.BaseRemoteConnection.authenticate

            spec.loader.exec_module = exec_module
            return spec

    sys.meta_path.insert(0, Saboteur())
"""


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_moonraker_that_does_not_fit_runs_on_without_them(
    tmp_path: pathlib.Path, version: str
) -> None:
    code = textwrap.dedent(SABOTAGE)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(code)
    environ = {"PYTHONPATH": f"{tmp_path / 'site'}:{ROOT}"}
    async with Director(x1c=bambu()) as director:
        moonraker = Moonraker(tmp_path / "data", director.config(), version, environ=environ)
        await asyncio.to_thread(moonraker.start)
        try:

            def check() -> None:
                info = moonraker.http("/server/info")
                assert info["failed_components"] == []
                (warning,) = info["warnings"]
                assert "virtual printers are off" in warning and "authenticate" in warning
                status = moonraker.http("/server/moonfleet/status")
                assert status["virtual_printers"]["enabled"] is False
                assert "authenticate" in status["virtual_printers"]["reason"]
                moonraker.until(
                    lambda: moonraker.http("/server/moonfleet/printer", printer="x1c")["online"],
                    "x1c to be online",
                )
                assert moonraker.fails(f"{X1C}/server/info")[0] == 404

            await asyncio.to_thread(check)
        finally:
            await asyncio.to_thread(moonraker.stop)
