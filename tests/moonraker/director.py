# The truth behind the scripted printers
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``Director`` holds what each printer says, sends it, and does what the printers are told."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Callable
from typing import Any, Optional

State = dict[str, Any]


def bambu(**more: Any) -> State:
    """An X1C with an AMS 2 Pro, a drying AMS HT and an external spool, printing."""
    slots = [
        _slot(0, True, "PLA", "00AE42", 0.8),
        _slot(1, True, "ABS", "FF6A13", 0.55),
        _slot(2, True, "PETG", "1F79E5", 0.25),
        _slot(3, False, None, None, None),
    ]
    return {
        **_base("X1C"),
        "heaters": {
            "extruder": {"temperature": 219.6, "target": 220.0},
            "heater_bed": {"temperature": 54.8, "target": 55.0},
            "chamber": {"temperature": 38.0, "target": None},
        },
        "fans": {"part": 0.7, "aux": 0.3, "heatbreak": 1.0},
        "lights": {"chamber_light": "on"},
        "job": _job("Benchy.gcode.3mf"),
        "filament": {
            "units": [
                _unit(0, "AMS 2 Pro", 18.0, 27.3, None, slots),
                _unit(
                    128,
                    "AMS HT",
                    12.0,
                    61.0,
                    {"time_left": 11520.0, "temperature": 65.0},
                    [_slot(0, True, "PA", "3C3C3C", None)],
                ),
            ],
            "external": [_slot(254, None, "TPU", "0000FF", None)],
            "active": {"extruder": [0, 1]},
        },
        **more,
    }


def dual(**more: Any) -> State:
    """An H2D: two nozzles, each with its own filament."""
    state = bambu(model="H2D")
    state["heaters"]["extruder1"] = {"temperature": 180.2, "target": 180.0}
    state["heaters"]["chamber"] = {"temperature": 44.0, "target": 45.0}
    state["filament"]["external"] = [
        _slot(254, None, "TPU", "0000FF", None),
        _slot(255, None, None, None, None),
    ]
    state["filament"]["active"] = {"extruder": [0, 1], "extruder1": [128, 0]}
    return {**state, **more}


def prusa(**more: Any) -> State:
    """An MK4S: no lights, no chamber, no filament units."""
    return {
        **_base("MK4S"),
        "heaters": {
            "extruder": {"temperature": 214.9, "target": 215.0},
            "heater_bed": {"temperature": 60.1, "target": 60.0},
        },
        "fans": {"part": 0.4, "heatbreak": 0.9},
        "job": {**_job("cube_0.2mm.gcode"), "layer": None, "layers": None},
        **more,
    }


def _base(model: str) -> State:
    return {
        "state": "printing",
        "message": None,
        "stage": None,
        "heaters": {},
        "fans": {},
        "speed_factor": 1.0,
        "job": None,
        "filament": None,
        "faults": [],
        "lights": {},
        "firmware": "01.02.03",
        "model": model,
        "accepts_commands": "yes",
        "run": "run-1",
    }


def _job(name: str) -> State:
    return {
        "name": name.split(".")[0],
        "filename": name,
        "progress": 0.42,
        "time_left": 1320.0,
        "print_duration": 900.0,
        "layer": 101,
        "layers": 240,
        "origin": "lan",
    }


def _unit(number: int, kind: str, humidity: float, heat: float, drying: Any, slots: Any) -> State:
    return {
        "id": number,
        "kind": kind,
        "humidity": humidity,
        "temperature": heat,
        "drying": drying,
        "slots": slots,
    }


def _slot(index: int, present: Any, material: Any, color: Any, remaining: Any) -> State:
    return {
        "index": index,
        "present": present,
        "material": material,
        "color": color,
        "remaining": remaining,
    }


class Director:
    """``async with Director(x1c=bambu()) as director``; printers come by themselves."""

    def __init__(self, **printers: State) -> None:
        self.state = {name.replace("__", "-"): state for name, state in printers.items()}
        self.orders: list[tuple[str, str, dict[str, Any]]] = []  # (printer, action, parameters)
        self.obeys = True
        self.port = 0
        self._writers: dict[str, asyncio.StreamWriter] = {}
        self._server: Optional[asyncio.AbstractServer] = None

    async def __aenter__(self) -> Director:
        await self.reopen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def reopen(self) -> None:
        """Be there (again), on the same port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Be away: every printer is unreachable."""
        assert self._server is not None
        self._server.close()
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()

    def config(self, options: str = "control: full") -> str:
        """The sections for moonraker.conf; the first one loads the type."""
        sections = "bridge_modules: tests.moonraker.scripted_bridge\n"
        for name in self.state:
            sections += (
                f"\n[moonfleet {name}]\ntype: scripted\nhost: 127.0.0.1\nport: {self.port}\n"
                f"display_name: The {name}\n{options}\n"
            )
        return sections

    def say(self, name: str, **news: Any) -> None:
        """Change what a printer says, and say it."""
        self.state[name].update(news)
        writer = self._writers.get(name)
        if writer is not None:
            writer.write(json.dumps(self.state[name]).encode() + b"\n")

    def hang_up(self, name: str) -> None:
        self._writers.pop(name).close()

    async def ordered(self, matches: Callable[[str, str, dict[str, Any]], bool]) -> None:
        """Wait until the printers have been told something."""
        for _ in range(3000):
            if any(matches(*order) for order in self.orders):
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"never ordered; orders were {self.orders}")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        name = json.loads(await reader.readline())["name"]
        self._writers[name] = writer
        self.say(name)
        while line := await reader.readline():
            order = json.loads(line)
            self.orders.append((name, order["do"], order["params"]))
            if self.obeys:
                self.say(name, **obey(self.state[name], order["do"], order["params"]))


def obey(state: State, action: str, params: dict[str, Any]) -> State:
    """What a printer shows after it did as it was told."""
    states = {"pause": "paused", "resume": "printing", "cancel": "cancelled"}
    if action in states:
        return {"state": states[action]}
    if action == "temperature":
        heaters = copy.deepcopy(state["heaters"])
        heaters[params["heater"]]["target"] = params["target"]
        return {"heaters": heaters}
    if action == "speed":
        return {"speed_factor": params["factor"]}
    if action == "light":
        return {"lights": {**state["lights"], params["name"]: params["mode"]}}
    if action == "fan":
        return {"fans": {**state["fans"], params["name"]: params["speed"]}}
    if action == "clear_error":
        return {"faults": []}
    if action == "set_ready":
        return {"stage": "ready"}
    filament = _obey_filament(copy.deepcopy(state["filament"]), action, params)
    return {} if filament is None else {"filament": filament}


def _obey_filament(filament: Any, action: str, params: dict[str, Any]) -> Any:
    """Filament units after an order; None when it was not for them."""
    if filament is None:
        return None
    if action == "load_filament":
        filament["active"]["extruder"] = [params["unit"], params["slot"]]
    elif action == "unload_filament":
        filament["active"] = {}
    elif action == "dry":
        for unit in filament["units"]:
            if unit["id"] == params["unit"]:
                left = {"time_left": params["hours"] * 3600.0, "temperature": params["temperature"]}
                unit["drying"] = left if params["hours"] else None
    elif action == "set_filament":
        units = {unit["id"]: unit["slots"] for unit in filament["units"]}
        for slot in units.get(params["unit"], filament["external"]):
            if slot["index"] == params["slot"]:
                slot.update(material=params["material"], color=params["color"])
    else:
        return None
    return filament
