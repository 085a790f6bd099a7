# Drives Debian's Chromium over its debugging protocol
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""A headless browser for tests: open a page, ask it questions, press, look, read its console.

async with Chromium() as browser:
    page = await browser.open("http://127.0.0.1:7125/server/moonfleet/ui")
    await page.until("document.querySelectorAll('.card').length === 3")
    await page.screenshot(path)
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import os
import pathlib
import shutil
import signal
import tempfile
from typing import Any, Optional

import aiohttp

FLAGS = (
    "--headless=new",
    "--no-sandbox",  # tests may run as root in a container
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--hide-scrollbars",
    "--lang=en-GB",
    "--remote-debugging-port=0",
)


def find_chromium() -> Optional[str]:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name)
        if path:
            return path
    return None


class PageError(Exception):
    """A script of the test threw inside the page, or a condition never came true."""


class Page:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse):
        self._socket = socket
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future] = {}
        self.errors: list[str] = []  # console errors and uncaught exceptions
        self.requests: list[str] = []  # every URL the page asked for
        self.sent: list[tuple[str, str]] = []  # (socket, text), in the order in which they went
        self.received: list[tuple[str, str]] = []
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for message in self._socket:
            data = json.loads(message.data)
            waiter = self._waiting.pop(data.get("id", 0), None)
            if waiter is not None and not waiter.done():
                waiter.set_result(data)
            elif "method" in data:
                self._event(data["method"], data["params"])

    def _event(self, method: str, params: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.errors.append(
                f"{params['entry']['text']} {params['entry'].get('url', '')}".strip()
            )
        elif method == "Runtime.consoleAPICalled" and params["type"] == "error":
            self.errors.append(" ".join(str(a.get("value")) for a in params["args"]))
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Network.webSocketFrameSent":
            self.sent.append((params["requestId"], params["response"]["payloadData"]))
        elif method == "Network.webSocketFrameReceived":
            self.received.append((params["requestId"], params["response"]["payloadData"]))
        elif method == "Network.webSocketCreated":
            self.requests.append(params["url"])

    async def send(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._ids)
        waiter = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiter
        await self._socket.send_str(json.dumps({"id": number, "method": method, "params": params}))
        reply = await asyncio.wait_for(waiter, 30)
        if "error" in reply:
            raise PageError(f"{method}: {reply['error']['message']}")
        return reply["result"]

    async def prepare(self, width: int, height: int, scheme: str, scale: float = 1) -> None:
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.send(f"{domain}.enable")
        await self.look(width, height, scheme, scale)

    async def look(self, width: int, height: int, scheme: str, scale: float = 1) -> None:
        """The size of the window and the colour scheme that the page is told."""
        await self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=width < 600,
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        await self.send("Emulation.setEmulatedMedia", features=features)

    async def go(self, url: str) -> None:
        await self.send("Page.navigate", url=url)

    async def eval(self, script: str) -> Any:
        """The value of an expression (awaited if it is a promise)."""
        reply = await self.send(
            "Runtime.evaluate",
            expression=script,
            returnByValue=True,
            awaitPromise=True,
            userGesture=True,
        )
        if "exceptionDetails" in reply:
            details = reply["exceptionDetails"]
            raise PageError(details.get("exception", {}).get("description", details["text"]))
        return reply["result"].get("value")

    async def until(self, condition: str, timeout: float = 20.0) -> Any:
        """Wait for an expression to become truthy; its value."""
        end = asyncio.get_running_loop().time() + timeout
        while True:
            value = None
            with contextlib.suppress(PageError):  # the page is between two documents
                value = await self.eval(f"((x) => x instanceof Node ? true : x)({condition})")
            if value:
                return value
            if asyncio.get_running_loop().time() > end:
                raise PageError(f"never true: {condition}; page says: {await self.text()!r}")
            await asyncio.sleep(0.05)

    async def text(self) -> str:
        return await self.eval("document.body ? document.body.innerText : ''")

    async def key(self, key: str, code: int) -> None:
        for kind in ("keyDown", "keyUp"):
            await self.send(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=key,
                windowsVirtualKeyCode=code,
                **({"text": "\r"} if key == "Enter" and kind == "keyDown" else {}),
            )

    async def click(self, element: str, across: float = 0.5) -> None:
        """A real press of the mouse on an element; ``across`` is where, from left to right."""
        x, y = await self.eval(
            f"((e) => {{ e.scrollIntoView({{block: 'center'}});"
            f" const r = e.getBoundingClientRect();"
            f" return [r.x + r.width * {across}, r.y + r.height / 2]; }})({element})"
        )
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            pressed = {"button": "left", "clickCount": 1} if kind != "mouseMoved" else {}
            await self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, **pressed)

    async def screenshot(self, path: pathlib.Path, full: bool = True) -> None:
        reply = await self.send("Page.captureScreenshot", format="png", captureBeyondViewport=full)
        _write(path, base64.b64decode(reply["data"]))


def _write(path: pathlib.Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


class Chromium:
    def __init__(self, *extra: str):
        self._extra = extra
        self._home = tempfile.TemporaryDirectory(prefix="moonfleet-browser-")
        self._process: Optional[asyncio.subprocess.Process] = None
        self._session: Optional[aiohttp.ClientSession] = None
        self._base = ""

    async def __aenter__(self) -> Chromium:
        binary = find_chromium()
        if binary is None:
            raise FileNotFoundError("no chromium on this machine")
        self._process = await asyncio.create_subprocess_exec(
            binary,
            *FLAGS,
            *self._extra,
            f"--user-data-dir={self._home.name}",
            "about:blank",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        port_file = pathlib.Path(self._home.name) / "DevToolsActivePort"
        for _ in range(600):
            if port_file.exists() and len(port_file.read_text().splitlines()) >= 2:
                break
            if self._process.returncode is not None:
                raise PageError(f"chromium ended with {self._process.returncode}")
            await asyncio.sleep(0.05)
        port = port_file.read_text().splitlines()[0]
        self._base = f"http://127.0.0.1:{port}"
        self._session = aiohttp.ClientSession()
        return self

    async def open(
        self,
        url: str,
        width: int = 1400,
        height: int = 900,
        scheme: str = "light",
        scale: float = 1,
    ) -> Page:
        assert self._session is not None
        async with self._session.put(f"{self._base}/json/new?about:blank") as reply:
            target = await reply.json(content_type=None)
        socket = await self._session.ws_connect(
            target["webSocketDebuggerUrl"], max_msg_size=0, heartbeat=None
        )
        page = Page(socket)
        await page.prepare(width, height, scheme, scale)
        await page.go(url)
        return page

    async def __aexit__(self, *_exc: object) -> None:
        if self._session is not None:
            await self._session.close()
        process = self._process
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        for _ in range(50):  # the killed helpers may still be writing into the profile
            try:
                self._home.cleanup()
                return
            except OSError:
                await asyncio.sleep(0.1)
