# A real Moonraker as a process, with the component linked into it
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``Moonraker(version, config)`` starts one; ``http`` and ``socket`` talk to it like any client."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Mapping
from typing import Any, Callable, Optional

import websockets

ROOT = pathlib.Path(__file__).resolve().parents[2]
ENVS = pathlib.Path(os.environ.get("MOONFLEET_ENVS", ROOT / ".envs"))
VERSIONS = ("0.9.3", "0.10.0", "0.11.0")
COMPONENT = ROOT / "moonraker_components" / "moonfleet"
BASE = """
[server]
host: 127.0.0.1
port: {port}
klippy_uds_address: {klippy}

[machine]
provider: none
validate_service: False
validate_config: False

[authorization]
trusted_clients:
    127.0.0.1

[moonfleet]
"""


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def environment(version: str) -> pathlib.Path:
    return ENVS / f"moonraker-{version}"


def link_component(version: str) -> None:
    """As install.sh does: one link to the directory, beside Moonraker's own components."""
    (packages,) = environment(version).glob("lib/python3*/site-packages")
    link = packages / "moonraker" / "components" / "moonfleet"
    if link.is_symlink() and link.resolve() == COMPONENT:
        return
    with contextlib.suppress(FileNotFoundError):
        link.unlink()
    with contextlib.suppress(FileExistsError):  # another test process was faster
        link.symlink_to(COMPONENT, target_is_directory=True)


class PortTaken(Exception):
    pass


class Moonraker:
    def __init__(
        self,
        folder: pathlib.Path,
        config: str,
        version: str = VERSIONS[-1],
        secrets: Optional[Mapping[str, Mapping[str, str]]] = None,
        klippy: Optional[pathlib.Path] = None,
        base: str = BASE,
        environ: Optional[Mapping[str, str]] = None,
    ) -> None:
        self.folder = folder
        self.version = version
        self.port = free_port()
        self.process: Optional[subprocess.Popen[bytes]] = None
        self._environ = dict(environ or {})
        for name in ("config", "logs", "comms"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        uds = klippy or folder / "comms" / "klippy.sock"
        self.config_file = folder / "config" / "moonraker.conf"
        text = base.format(port=self.port, klippy=uds) + config
        if version == VERSIONS[-1]:  # older ones do not know the option
            text += "\n[announcements]\nenable_moonlight: False\n"
        self.config_file.write_text(text)
        if secrets is not None:
            (folder / "moonraker.secrets").write_text(json.dumps(secrets))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        link_component(self.version)
        python = environment(self.version) / "bin" / "python"
        command = [str(python), "-m", "moonraker", "-d", str(self.folder), "-n"]
        with (self.folder / "output.txt").open("ab") as output:
            self.process = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={**os.environ, **self._environ},
            )
        try:
            self.until(self._answers, "Moonraker to answer")
        except PortTaken:
            self._move()
            self.start()

    def _move(self) -> None:
        """Somebody was faster to take the port that was free."""
        self.stop()
        (self.folder / "output.txt").unlink()  # it would be found again
        text, old = self.config_file.read_text(), self.port
        self.port = free_port()
        self.config_file.write_text(text.replace(f"port: {old}", f"port: {self.port}", 1))

    def _answers(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"Moonraker ended with {self.process.returncode}\n{self.log()}")
        try:
            return bool(self.http("/server/info"))
        except urllib.error.HTTPError as error:
            return error.code == 401  # it wants to know who is asking
        except OSError:
            if "Failed to start HTTP server" in self.log():
                raise PortTaken from None
            return False

    def stop(self) -> int:
        """Ends it as a service manager does; returns its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def restart(self) -> None:
        """``/server/restart``: a new server in the same process."""
        loaded = "Component (moonfleet) loaded"
        before = self.log().count(loaded)
        self.http("/server/restart", {})
        self.until(lambda: self.log().count(loaded) > before, "the restart")
        self.until(self._answers, "Moonraker to answer again")

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def log(self) -> str:
        """All that it printed and logged."""
        files = [self.folder / "output.txt", *sorted((self.folder / "logs").glob("*.log*"))]
        return "\n".join(f.read_text(errors="replace") for f in files if f.exists())

    # ---- as a client --------------------------------------------------------------------------

    def http(self, path: str, body: Optional[Mapping[str, Any]] = None, **args: Any) -> Any:
        """GET, or POST with a body; the result, or HTTPError."""
        query = "?" + urllib.parse.urlencode(args) if args else ""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path + query, data)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.loads(reply.read())["result"]

    def fails(
        self, path: str, body: Optional[Mapping[str, Any]] = None, **args: Any
    ) -> tuple[int, str]:
        """Status and message of a request that is refused."""
        try:
            result = self.http(path, body, **args)
        except urllib.error.HTTPError as error:
            return error.code, str(json.loads(error.read())["error"]["message"])
        raise AssertionError(f"{path} was not refused: {result}")

    async def get(self, path: str, **args: Any) -> Any:
        """GET without holding up the emulated printers of the test's own loop."""
        return await asyncio.to_thread(self.http, path, None, **args)

    async def when(
        self, condition: Callable[[], Awaitable[Any]], what: str, timeout: float = 60.0
    ) -> Any:
        """Poll until the condition gives something true."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            value = await condition()
            if value:
                return value
            await asyncio.sleep(0.05)
        raise AssertionError(f"waited {timeout:g} s for {what}\n{self.log()[-6000:]}")

    async def in_state(self, name: str, *states: str, timeout: float = 60.0) -> dict[str, Any]:
        """The printer's info once its connection is in one of these states."""

        async def reached() -> Optional[dict[str, Any]]:
            info = await self.get("/server/moonfleet/printer", printer=name)
            return info if info["connection"]["state"] in states else None

        return dict(await self.when(reached, f"{name} to be {' or '.join(states)}", timeout))

    def warnings(self) -> list[str]:
        return list(self.http("/server/info")["warnings"])

    def until(self, condition: Callable[[], Any], what: str, timeout: float = 60.0) -> Any:
        """Poll until the condition gives something true."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            value = condition()
            if value:
                return value
            time.sleep(0.05)
        raise AssertionError(f"waited {timeout:g} s for {what}\n{self.log()[-6000:]}")

    @contextlib.asynccontextmanager
    async def socket(self, path: str = "/websocket") -> AsyncIterator[Client]:
        async with websockets.connect(f"ws://127.0.0.1:{self.port}{path}") as connection:
            client = Client(connection)
            try:
                yield client
            finally:
                client.close()


class Client:
    """A JSON-RPC client that keeps what it was notified of."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._next = 1
        self._news = asyncio.Event()
        self.notifications: list[dict[str, Any]] = []
        self._reader = asyncio.ensure_future(self._read())

    def close(self) -> None:
        self._reader.cancel()

    async def _read(self) -> None:
        async for text in self._connection:
            message = json.loads(text)
            waiting = self._waiting.pop(message.get("id", 0), None)
            if waiting is not None:
                waiting.set_result(message)
            elif "method" in message:
                self.notifications.append(message)
                self._news.set()

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """The whole answer, with ``result`` or ``error``."""
        number, self._next = self._next, self._next + 1
        self._waiting[number] = asyncio.get_running_loop().create_future()
        message = {"jsonrpc": "2.0", "method": method, "params": params, "id": number}
        await self._connection.send(json.dumps(message))
        return dict(await asyncio.wait_for(self._waiting[number], 60))

    async def result(self, method: str, **params: Any) -> Any:
        answer = await self.call(method, **params)
        assert "error" not in answer, answer
        return answer["result"]

    async def notified(
        self, method: str, matches: Callable[[Any], bool] = lambda _: True, timeout: float = 60.0
    ) -> Any:
        """The first parameter of the next (or an earlier) notification that matches."""
        end = time.monotonic() + timeout
        seen = 0
        while True:
            for message in self.notifications[seen:]:
                seen += 1
                if message["method"] == method and matches(message["params"][0]):
                    return message["params"][0]
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), max(0.0, end - time.monotonic()))
            except asyncio.TimeoutError:
                raise AssertionError(f"no {method} that matches in {timeout:g} s") from None
