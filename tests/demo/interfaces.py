# Mainsail and Fluidd for the demo, where their released builds are named
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""A static file server for ``MAINSAIL_DIST`` and ``FLUIDD_DIST``, each on a free port.

The builds are served unmodified; only config.json, which both fetch, names the demo's printers.
"""

from __future__ import annotations

import os
import pathlib
from typing import Any, Callable, Optional

from aiohttp import web

from .options import folder
from .processes import DemoError


def paths(names: list[str]) -> list[str]:
    """The base path of each printer's Moonraker; the local one has none."""
    return ["" if name == "klipper" else f"/websocket/moonfleet/{name}" for name in names]


def mainsail_config(port: int, names: list[str]) -> dict[str, Any]:
    instances = [
        {"hostname": "127.0.0.1", "port": port, "path": path, "name": name}
        for name, path in zip(names, paths(names))
    ]
    return {"defaultLocale": "en", "instancesDB": "json", "instances": instances}


def fluidd_config(port: int, names: list[str]) -> dict[str, Any]:
    endpoints = [f"http://127.0.0.1:{port}{path}" for path in paths(names)]
    return {"endpoints": endpoints, "blacklist": [], "hosted": False, "themePresets": []}


BUILDS: tuple[tuple[str, str, Callable[[int, list[str]], dict[str, Any]]], ...] = (
    ("Mainsail", "MAINSAIL_DIST", mainsail_config),
    ("Fluidd", "FLUIDD_DIST", fluidd_config),
)


class Interface:
    def __init__(self, name: str, build: pathlib.Path, config: dict[str, Any]):
        self.name = name
        self.url = ""
        self._build = build.resolve()
        self._config = config
        self._runner: Optional[web.AppRunner] = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/config.json", self._send_config)
        app.router.add_get("/{path:.*}", self._send_file)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _send_config(self, _request: web.Request) -> web.Response:
        return web.json_response(self._config)

    async def _send_file(self, request: web.Request) -> web.FileResponse:
        """Any other address is a page of the interface's own, which its index.html draws."""
        file = (self._build / request.match_info["path"]).resolve()
        inside = file.is_relative_to(self._build) and file.is_file()
        return web.FileResponse(file if inside else self._build / "index.html")


def named(port: int, names: list[str]) -> list[Interface]:
    """One for each build that the environment names; raises ``DemoError`` for a wrong folder."""
    found = []
    for name, variable, config in BUILDS:
        place = os.environ.get(variable)
        if not place:
            continue
        build = folder(place)
        if not (build / "index.html").is_file():
            raise DemoError(f"{variable} names {place}, which holds no index.html of {name}")
        found.append(Interface(name, build, config(port, names)))
    return found
