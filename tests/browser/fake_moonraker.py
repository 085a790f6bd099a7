# A stand-in for Moonraker's websocket that serves the fleet page to a test
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Holds a made-up fleet, answers the page's calls, and misbehaves on request."""

from __future__ import annotations

import json
import time
from typing import Any, Optional

from aiohttp import WSMsgType, web
from moonfleet import panel_routes


def heater(temperature: Optional[float], target: Optional[float]) -> dict[str, Any]:
    return {"temperature": temperature, "target": target}


def eta(state: str, **values: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "state": state,
        "heating": state in ("heating", "approaching", "settling", "ready"),
        "ready": state == "ready",
        "eta": None if state == "unknown" else 0.0,
        "eta_reached": None,
        "eta_low": None,
        "eta_high": None,
        "progress": None,
        "rate": None,
        "learned": 0,
        "cooldown_eta": None,
        "ready_at": None,
        "health": None,
    }
    base.update(values)
    return base


def printer(name: str, kind: str, display_name: str, **values: Any) -> dict[str, Any]:
    snapshot: dict[str, Any] = {
        "state": "standby",
        "message": None,
        "stage": None,
        "heaters": {"extruder": None, "extruder1": None, "heater_bed": None, "chamber": None},
        "fans": {},
        "speed_factor": 1.0,
        "job": None,
        "filament": None,
        "faults": [],
        "lights": {},
        "firmware": None,
        "model": None,
        "accepts_commands": "yes",
    }
    snapshot.update(values.pop("snapshot", {}))
    info = {
        "name": name,
        "display_name": display_name,
        "type": kind,
        "online": True,
        "connection": {
            "state": "online",
            "message": None,
            "since": time.time(),
            "last_report": time.time(),
            "reconnects": 0,
        },
        "control": "jobs",
        "capabilities": ["pause", "resume", "cancel"],
        "snapshot": snapshot,
        "heaters": {},
        "job": None,
        "virtual": None,
    }
    info.update(values)
    return info


def job(name: str, progress: float, **values: Any) -> dict[str, Any]:
    return {
        "name": name,
        "filename": f"{name}.gcode",
        "progress": progress,
        "time_left": None,
        "print_duration": None,
        "layer": None,
        "layers": None,
        "origin": None,
        **values,
    }


def sample_fleet() -> list[dict[str, Any]]:
    now = time.time()
    voron = printer("klipper", "klipper", "Voron 2.4")
    voron["snapshot"]["heaters"].update(
        extruder=heater(142.3, 240), heater_bed=heater(96.4, 110), chamber=heater(38.2, 0)
    )
    voron["heaters"] = {
        "extruder": eta(
            "heating", eta=48, ready_at=now + 48, eta_low=44, eta_high=52, progress=0.55, learned=14
        ),
        "heater_bed": eta(
            "heating", eta=214, ready_at=now + 214, eta_low=200, eta_high=230, progress=0.82
        ),
        "chamber": eta("off"),
    }
    x1c = printer("x1c", "bambu", "X1 Carbon")
    x1c["snapshot"].update(
        state="printing",
        stage="Printing",
        model="X1 Carbon",
        job=job("Gridfinity baseplate 4x4", 0.423, time_left=3900, layer=34, layers=120),
    )
    x1c["snapshot"]["heaters"].update(
        extruder=heater(219.9, 220), heater_bed=heater(55.1, 55), chamber=heater(41.0, None)
    )
    x1c["heaters"] = {"extruder": eta("ready"), "heater_bed": eta("ready")}
    prusa = printer("mk4", "prusalink", "MK4S")
    prusa["snapshot"].update(
        state="paused", model="MK4S", job=job("bracket_left_v7", 0.77, time_left=1260)
    )
    prusa["snapshot"]["heaters"].update(extruder=heater(171.0, 0), heater_bed=heater(58.7, 0))
    prusa["heaters"] = {
        "extruder": eta("cooling", cooldown_eta=420),
        "heater_bed": eta("cooling", cooldown_eta=1150),
    }
    a1 = printer("a1", "bambu", "A1 mini", online=False, capabilities=[])
    a1["connection"].update(
        state="auth_failed",
        message="The printer refused the access code. Set access_code in [moonfleet a1] to the "
        "one on its screen (Settings, LAN only).",
        last_report=now - 3000,
    )
    return [voron, x1c, prusa, a1]


class FakeMoonraker:
    """``async with FakeMoonraker() as server``: ``server.url`` is the page's address."""

    def __init__(self, prefix: str = "", password: Optional[str] = None):
        self.prefix = prefix
        self.password = password  # None: everybody is trusted
        self.fleet = sample_fleet()
        self.jobs: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.replies: dict[str, Any] = {}  # method -> result or exception text
        self.unknown = "nothing."  # methods that start so are not known
        self.sockets: set[web.WebSocketResponse] = set()
        self.connections = 0
        self.port = 0
        self._runner: Optional[web.AppRunner] = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.prefix}{panel_routes.PAGE}"

    async def __aenter__(self) -> FakeMoonraker:
        await self.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.stop()

    async def start(self) -> None:
        app = web.Application()
        for url, path in panel_routes.panel_files().items():
            app.router.add_get(self.prefix + url, self._sender(path))
        app.router.add_get(f"{self.prefix}/websocket", self._websocket)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        for socket in list(self.sockets):
            await socket.close()
        if self._runner is not None:
            await self._runner.cleanup()

    @staticmethod
    def _sender(path: Any) -> Any:
        async def send(_request: web.Request) -> web.Response:
            return web.Response(
                body=path.read_bytes(),
                headers={"Content-Type": panel_routes.CONTENT_TYPES[path.suffix]},
            )

        return send

    async def notify(self, name: str, *params: Any) -> None:
        text = json.dumps({"jsonrpc": "2.0", "method": name, "params": list(params)})
        for socket in list(self.sockets):
            await socket.send_str(text)

    async def update(self, name: str, **values: Any) -> None:
        await self.notify("notify_moonfleet_status_update", {name: values}, time.monotonic())

    async def _websocket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.connections += 1
        known = self.password is None
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    break
                call = json.loads(message.data)
                method, params = call["method"], call.get("params", {})
                self.calls.append((method, params))
                reply: dict[str, Any] = {"jsonrpc": "2.0", "id": call["id"]}
                if method == "server.connection.identify":
                    known = known or params.get("access_token") == "token"
                    if known:
                        self.sockets.add(socket)
                open_to_all = method.startswith("access.")
                if not known and not open_to_all:
                    reply["error"] = {"code": -32602, "message": "Unauthorized"}
                else:
                    self._answer(method, params, reply)
                await socket.send_str(json.dumps(reply))
        finally:
            self.sockets.discard(socket)
        return socket

    def _answer(self, method: str, params: dict[str, Any], reply: dict[str, Any]) -> None:
        answers = {
            "server.connection.identify": {"connection_id": 1},
            "server.moonfleet.printers": {"printers": self.fleet},
            "server.moonfleet.eta": {"heaters": [], "time": time.time()},
            "server.moonfleet.status": {"version": "0.1.0", "warnings": []},
            "server.moonfleet.history.list": {"count": len(self.jobs), "jobs": self.jobs},
            "server.moonfleet.events": {"events": self.events},
            "access.info": {
                "default_source": "moonraker",
                "available_sources": ["moonraker"],
                "login_required": True,
                "trusted": False,
            },
        }
        answers.update(self.replies)
        if method == "access.login":
            if params.get("password") == self.password:
                reply["result"] = {"token": "token", "refresh_token": "refresh"}
            else:
                reply["error"] = {"code": 401, "message": "Invalid Password"}
        elif method == "access.refresh_jwt" and params.get("refresh_token") == "refresh":
            reply["result"] = {"token": "token"}
        elif isinstance(answers.get(method), str):
            reply["error"] = {"code": 400, "message": answers[method]}
        elif method in answers and not method.startswith(self.unknown):
            reply["result"] = answers[method]
        else:
            reply["error"] = {"code": -32601, "message": "Method not found"}
