# The bridge outside the tree that docs/writing_a_bridge.md describes
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Loaded by name through ``bridge_modules`` into a real Moonraker; its printer lives here."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.moonraker.printers import section
from tests.moonraker.real import BASE, ROOT

pytestmark = pytest.mark.moonraker
MODULES = BASE.replace("[moonfleet]", "[moonfleet]\nbridge_modules: moonfleet_lines")
EXAMPLES = {"PYTHONPATH": str(ROOT / "docs" / "examples")}


class LinesPrinter:
    """Speaks JSON lines; obeys whoever knows the key."""

    def __init__(self) -> None:
        self.state = "printing"
        self.commands: list[dict[str, Any]] = []
        self.writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> LinesPrinter:
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        for writer in self.writers:
            writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.add(writer)
        self.say(writer)
        while line := await reader.readline():
            command = json.loads(line)
            self.commands.append(command)
            if command["key"] == "open sesame":
                done = {"pause": "paused", "resume": "printing", "cancel": "cancelled"}
                self.state = done[command["do"]]
            writer.write(b"not json\n")
            self.say(writer)

    def say(self, writer: asyncio.StreamWriter) -> None:
        said = {
            "state": self.state,
            "file": "cube.gcode",
            "progress": 0.4,
            "run": 17,
            "nozzle": [210.0, 215.0],
        }
        writer.write(json.dumps(said).encode() + b"\n")


async def test_a_bridge_from_outside_does_all_that_ours_do(moonraker):
    async with LinesPrinter() as printer:
        options = {"type": "lines", "host": "127.0.0.1", "port": printer.port}
        server = moonraker(
            section("tin", {**options, "key": "{secrets.tin.key}"}) + section("bare", options),
            secrets={"tin": {"key": "open sesame"}},
            base=MODULES,
            environ=EXAMPLES,
        )
        info = await server.in_state("tin", "online")
        assert info["snapshot"]["job"]["name"] == "cube.gcode"
        assert set(info["heaters"]) == {"extruder"}
        (warning,) = server.warnings()
        assert "[moonfleet bare] option 'key': is missing" in warning
        async with server.socket() as client:
            for action in ("pause", "resume", "cancel"):
                done = await client.result(f"server.moonfleet.print.{action}", printer="tin")
                assert done["result"] == "accepted", done
            jobs = (await client.result("server.moonfleet.history.list"))["jobs"]
        assert [(job["name"], job["status"]) for job in jobs] == [("cube.gcode", "cancelled")]
        objects = await server.get(
            "/websocket/moonfleet/tin/printer/objects/query", extruder="temperature"
        )
        assert objects["status"]["extruder"]["temperature"] == 210.0
    await server.in_state("tin", "unreachable")
    assert "open sesame" not in server.log()


def test_a_module_that_is_not_there_is_said_and_harms_nobody(moonraker):
    server = moonraker(section("tin", {"type": "lines", "host": "127.0.0.1"}), base=MODULES)
    warnings = server.warnings()
    assert len(warnings) == 2
    assert "'moonfleet_lines' cannot be imported" in warnings[0]
    assert "option 'type': 'lines' is not known; use one of: bambu, prusalink" in warnings[1]
    assert server.http("/server/info")["failed_components"] == []
