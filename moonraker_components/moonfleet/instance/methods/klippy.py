# printer.*: objects, subscriptions and what can be done
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""What an interface asks of Klipper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...core.commands import Action, Command
from ..hub import Client
from ..jsonrpc import RpcError
from ..router import Handler, Request
from ..scripts import HELP, ScriptRunner
from ..subscriptions import parse_subscription, select

if TYPE_CHECKING:
    from ..printer import VirtualPrinter

KLIPPER_VERSION = "v0.13.0-0-moonfleet"  # Mainsail wants at least v0.11.0-257


def handlers(virtual: VirtualPrinter) -> dict[str, Handler]:
    family = Klippy(virtual)
    return {
        "printer.info": family.info,
        "printer.objects.list": family.objects_list,
        "printer.objects.query": family.objects_query,
        "printer.objects.subscribe": family.objects_subscribe,
        "printer.query_endstops.status": family.endstops,
        "printer.gcode.help": family.gcode_help,
        "printer.gcode.script": family.gcode_script,
        "printer.print.pause": family.pause,
        "printer.print.resume": family.resume,
        "printer.print.cancel": family.cancel,
        "printer.emergency_stop": family.emergency_stop,
        "printer.restart": family.restart,
        "printer.firmware_restart": family.restart,
    }


class Klippy:
    def __init__(self, virtual: VirtualPrinter) -> None:
        self.virtual = virtual
        self.scripts = ScriptRunner(virtual)

    async def info(self, request: Request) -> Any:
        view = self.virtual.view()
        state, message = view.klippy_state
        snapshot = view.snapshot
        return {
            "state": state,
            "state_message": message,
            "hostname": view.display_name,
            "software_version": KLIPPER_VERSION,
            "cpu_info": " ".join(filter(None, (snapshot.model, snapshot.firmware))),
            "klipper_path": "",
            "python_path": "",
            "log_file": "",
            "config_file": "",
            "app": "Moonfleet",
        }

    async def objects_list(self, request: Request) -> Any:
        return {"objects": list(self.virtual.objects())}

    async def objects_query(self, request: Request) -> Any:
        wanted = parse_subscription(request.params.mapping("objects"))
        objects = {**self.virtual.objects(), "gcode": {"commands": _commands()}}
        return {"eventtime": self.virtual.eventtime(), "status": select(objects, wanted)}

    async def objects_subscribe(self, request: Request) -> Any:
        client = request.caller
        if not isinstance(client, Client):
            raise RpcError(404, "Subscriptions need a websocket")
        wanted = parse_subscription(request.params.mapping("objects"))
        self.virtual.current()
        status = self.virtual.hub.subscribe(client, wanted)
        return {"eventtime": self.virtual.eventtime(), "status": status}

    async def endstops(self, request: Request) -> Any:
        raise RpcError(501, f"{self.virtual.name} does not tell its endstops")

    async def gcode_help(self, request: Request) -> Any:
        return dict(HELP)

    async def gcode_script(self, request: Request) -> Any:
        await self.scripts.run(request.params.text("script"))
        return "ok"

    async def pause(self, request: Request) -> Any:
        return await self._do(Action.PAUSE)

    async def resume(self, request: Request) -> Any:
        return await self._do(Action.RESUME)

    async def cancel(self, request: Request) -> Any:
        return await self._do(Action.CANCEL)

    async def _do(self, action: Action) -> str:
        await self.scripts.carry_out(Command(action))
        return "ok"

    async def emergency_stop(self, request: Request) -> Any:
        """This printer's own stop, verified; otherwise it is said loudly that nothing stopped."""
        await self.scripts.emergency_stop()
        return "ok"

    async def restart(self, request: Request) -> Any:
        raise RpcError(
            403,
            f"'{request.method}' would restart a Klipper; {self.virtual.name} has none, switch the "
            "printer itself off and on",
        )


def _commands() -> dict[str, dict[str, str]]:
    return {name: {"help": text} for name, text in HELP.items()}
