# Every request that Mainsail and Fluidd were recorded to send
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Replayed against a virtual printer of each type: answered in the shape that was recorded.

Requests for what a virtual printer does not advertise (update manager, power devices, sensors) are
sent by the interfaces only where it is advertised; they must be refused, never half answered.
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest

from .house import House, printing

NOT_ADVERTISED = (
    *("machine.update.", "machine.device_power.", "server.sensors.", "server.job_queue."),
    *("server.spoolman.", "server.timelapse."),
)
#: files and folders of the recorded host that the virtual printer does not have
ELSEWHERE = ("server.files.metadata", "server.files.get_directory")
PRINTERS = {
    "bambu": printing(),
    "prusa": printing(filament=None, lights={}, heaters=dict(list(printing().heaters.items())[:2])),
}


def recorded(captures: pathlib.Path) -> Iterator[tuple[dict[str, Any], Any]]:
    """Each distinct request with the result that was recorded for it."""
    seen = set()
    for file in sorted((captures / "ui").glob("*.json")):
        for socket in json.loads(file.read_text())["ws"]:
            results = {}
            for frame in socket["frames"]:
                if frame["d"] == "<" and isinstance(frame["m"], dict):
                    results[frame["m"].get("id")] = frame["m"].get("result")
            for frame in socket["frames"]:
                if frame["d"] != ">":
                    continue
                messages = frame["m"] if isinstance(frame["m"], list) else [frame["m"]]
                for message in messages:
                    key = json.dumps([message.get("method"), message.get("params")])
                    if isinstance(message, dict) and "method" in message and key not in seen:
                        seen.add(key)
                        yield message, results.get(message.get("id"))


@pytest.mark.parametrize("kind", PRINTERS)
async def test_every_recorded_request_is_answered(captures: pathlib.Path, kind: str) -> None:
    house = await House(history=NoJobs()).start(PRINTERS[kind])
    asked = 0
    try:
        for message, result in recorded(captures):
            method = message["method"]
            house.bridge.host.on_snapshot(PRINTERS[kind])  # a recorded pause may come twice
            answer = json.loads(
                await house.virtual.receive(json.dumps(message), house.client) or b"null"
            )
            assert answer["id"] == message["id"]
            asked += 1
            if method.startswith(NOT_ADVERTISED):
                assert answer["error"]["code"] in (-32601, 403), method
                continue
            if "error" in answer:
                assert method in ELSEWHERE and answer["error"]["code"] == -32601, (message, answer)
                continue
            assert answer["result"] is not None, method
            if result is not None and method != "access.get_api_key":
                assert_shape(method, answer["result"], result)
    finally:
        await house.stop()
    assert asked > 60


#: keys of a recorded host that describe that host or its Klipper, not the reply's shape
OPTIONAL = {
    "server.info": {"websocket_count"},
    "printer.info": {"process_id", "user_id", "group_id"},
    "machine.proc_stats": {"system_memory"},
}


def assert_shape(method: str, ours: Any, theirs: Any) -> None:
    """The same kind of thing, with the same keys on top."""
    if method.startswith("access."):
        return  # Moonraker itself answers these
    assert type(ours) is type(theirs), method
    if isinstance(theirs, dict) and method not in (
        "server.temperature_store",
        "printer.gcode.help",
        "server.database.get_item",
    ):
        missing = set(theirs) - set(ours) - OPTIONAL.get(method, set())
        assert not missing, (method, missing)


class NoJobs:
    """A history without jobs."""

    async def list(self, **filters: Any) -> dict[str, Any]:
        return {"count": 0, "jobs": []}

    async def virtual_totals(self, printer: str) -> dict[str, Any]:
        return {"total_jobs": 0, "total_time": 0.0, "longest_job": 0.0}
