# server.* and the two readable machine.* methods
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""What an interface asks of Moonraker itself; answered for this printer, never from the host."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ..hub import Client
from ..jsonrpc import RpcError, bad_params, not_found
from ..router import Handler, Request

if TYPE_CHECKING:
    from ..printer import VirtualPrinter

API_VERSION = [1, 5, 0]
#: only what is really answered; the interfaces open a page for each
COMPONENTS = ("authorization", "database", "file_manager", "klippy_apis", "webcam")
CLIENT_TYPES = ("web", "mobile", "desktop", "display", "bot", "other")


def handlers(virtual: VirtualPrinter) -> dict[str, Handler]:
    family = Server(virtual)
    return {
        "server.connection.identify": family.identify,
        "server.websocket.id": family.websocket_id,
        "server.info": family.info,
        "server.config": family.config,
        "server.gcode_store": family.gcode_store,
        "server.temperature_store": family.temperature_store,
        "server.webcams.list": family.webcams,
        "server.webcams.get_item": family.webcam,
        "server.announcements.list": family.announcements,
        "machine.system_info": family.system_info,
        "machine.proc_stats": family.proc_stats,
    }


class Server:
    def __init__(self, virtual: VirtualPrinter) -> None:
        self.virtual = virtual

    async def identify(self, request: Request) -> Any:
        params = request.params
        client = _client(request)
        for name in ("client_name", "version", "type", "url"):
            params.text(name)
        kind = params.text("type").lower()
        if kind == "agent":
            raise RpcError(403, "A virtual printer takes no agents; connect to the host instead")
        if kind not in CLIENT_TYPES:
            raise bad_params(f"Invalid Client Type: {kind[:40]}")
        return {"connection_id": client.sink.identify(params.values)}

    async def websocket_id(self, request: Request) -> Any:
        return {"websocket_id": _client(request).sink.uid}

    async def info(self, request: Request) -> Any:
        state, _ = self.virtual.view().klippy_state
        components = [*COMPONENTS]
        if self.virtual.history is not None:
            components.append("history")
        return {
            "klippy_connected": True,
            "klippy_state": state,
            "components": components,
            "failed_components": [],
            "registered_directories": ["gcodes"],
            "warnings": [],
            "websocket_count": len(self.virtual.hub.clients),
            "moonraker_version": self.virtual.version,
            "missing_klippy_requirements": [],
            "api_version": API_VERSION,
            "api_version_string": ".".join(map(str, API_VERSION)),
        }

    async def config(self, request: Request) -> Any:
        return {"config": {}, "orig": {}, "files": []}

    async def gcode_store(self, request: Request) -> Any:
        count = None
        if request.params.values.get("count") is not None:
            count = request.params.integer("count", 0, 0, 10000)
        return {"gcode_store": self.virtual.console.to_json(count)}

    async def temperature_store(self, request: Request) -> Any:
        return self.virtual.temperatures.to_json()

    async def webcams(self, request: Request) -> Any:
        return {"webcams": self.virtual.webcams()}

    async def webcam(self, request: Request) -> Any:
        wanted = request.params.values.get("uid") or request.params.text("name")
        for webcam in self.virtual.webcams():
            if wanted in (webcam.get("uid"), webcam.get("name")):
                return {"webcam": webcam}
        raise not_found(f"Webcam '{str(wanted)[:60]}' not found")

    async def announcements(self, request: Request) -> Any:
        return {"entries": [], "feeds": []}

    async def system_info(self, request: Request) -> Any:
        # empty on purpose: the interfaces build their menu of the host's services from it
        return {"system_info": {}}

    async def proc_stats(self, request: Request) -> Any:
        return {
            "moonraker_stats": [],
            "throttled_state": None,
            "cpu_temp": None,
            "network": {},
            "system_cpu_usage": {},
            "system_memory": {},
            "system_uptime": time.monotonic(),
            "websocket_connections": len(self.virtual.hub.clients),
        }


def _client(request: Request) -> Client:
    if not isinstance(request.caller, Client):
        raise RpcError(404, f"'{request.method}' needs a websocket")
    return request.caller
