# The demo's self-check: every promise seen kept, or named
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Watches the fleet through Moonraker's websocket as any interface would."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Optional

from .client import CallError, Client

LIMIT = 165.0  # seconds; three minutes, stopping everything included
HELP_AFTER = 135.0  # a job that is still running by then is cancelled, which ends it too
ASK_AFTER = 75.0  # a printer that still heats by then is asked to pause all the same
KINDS = ("klipper", "bambu", "prusalink")
WORTH = 6.0  # a heat-up this many seconds long is worth judging
SLACK, SHARE = 2.0, 0.2  # an ETA is right within 2 s or a fifth of what it said
# The local chamber takes no part in the prints: it is heated in steps, each a heat-up to judge,
# as soon as one has told the model how fast this chamber is.
CHAMBER_STEPS = (35, 42, 49, 55)


@dataclass
class Row:
    what: str
    seen: Optional[str] = None
    missing: str = ""


@dataclass
class HeatUp:
    """What was said of one heater on its way up: (time, eta, promised Unix time)."""

    said: list[tuple[float, float, float]] = field(default_factory=list)


def pausable(info: dict[str, Any], waited: float) -> bool:
    """Klipper pauses only between two commands, and M109 is a long one; a Bambu printer refuses
    while it prepares. At a slow --speed that lasts, so a bridged one is then asked all the same."""
    snapshot = info["snapshot"]
    if snapshot["state"] != "printing" or "pause" not in info["capabilities"]:
        return False
    if info["type"] == "klipper":
        return not any(eta["heating"] and not eta["ready"] for eta in info["heaters"].values())
    return ((snapshot["job"] or {}).get("progress") or 0) > 0 or waited > ASK_AFTER


class Check:
    def __init__(self, client: Client, kinds: dict[str, str]):
        self.client = client
        self.kinds = kinds  # printer -> type
        self.started = time.time()
        self.online = Row("every printer is online")
        self.eta = Row("a heater ETA counted down to ready", missing="no heater has become ready")
        self.pause = Row("a pause was confirmed", missing="nothing could be paused")
        self.jobs = {kind: Row(f"a {kind} job has ended in the history") for kind in KINDS}
        self.heatups: dict[tuple[str, str], HeatUp] = {}
        self.changed = asyncio.Event()

    def rows(self) -> list[Row]:
        return [self.online, self.eta, self.pause, *self.jobs.values()]

    def passed(self) -> bool:
        return all(row.seen is not None for row in self.rows())

    async def run(self) -> bool:
        """True when everything was seen before the time is over."""
        self.client.on_notify = self._notified
        try:
            await asyncio.wait_for(self._watch(), LIMIT)
        except asyncio.TimeoutError:
            pass  # the rows say what is missing
        return self.passed()

    async def _watch(self) -> None:
        tasks = [
            asyncio.create_task(self._named(self.pause, self._pause())),
            asyncio.create_task(self._named(self.eta, self._preheat())),
            asyncio.create_task(self._end_jobs()),
        ]
        try:
            while not self.passed():
                await self._look()
                self.changed.clear()
                try:
                    await asyncio.wait_for(self.changed.wait(), 1.0)
                except asyncio.TimeoutError:
                    pass  # nothing was said; look all the same
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    @staticmethod
    async def _named(row: Row, work: Coroutine[Any, Any, None]) -> None:
        """What goes wrong on the way is what is missing."""
        try:
            await work
        except Exception as error:
            row.missing = f"{type(error).__name__}: {error}"

    def _notified(self, method: str, params: list) -> None:
        if method == "notify_moonfleet_status_update" and params:
            for name, update in params[0].items():
                for heater, eta in (update.get("heaters") or {}).items():
                    if isinstance(eta, dict):
                        self._heater(name, heater, eta)
        if method.startswith("notify_moonfleet_") and method != "notify_moonfleet_status_update":
            self.changed.set()

    async def _look(self) -> None:
        printers = (await self.client.call("server.moonfleet.printers"))["printers"]
        self._see_online(printers)
        for info in printers:
            for heater, eta in info["heaters"].items():
                self._heater(info["name"], heater, eta)
        jobs = (await self.client.call("server.moonfleet.history.list", limit=50))["jobs"]
        for job in jobs:
            row = self.jobs.get(self.kinds.get(job["printer"], ""))
            if row is not None and row.seen is None and job["status"] != "in_progress":
                row.seen = f"{job['printer']}: {job['name'] or job['filename']}, {job['status']}"

    def _see_online(self, printers: list[dict[str, Any]]) -> None:
        if self.online.seen is not None:
            return
        states = {info["name"]: info for info in printers}
        absent = []
        for name in self.kinds:
            info = states.get(name)
            if info is None:
                absent.append(f"{name} is not in the fleet")
            elif not info["online"]:
                connection = info["connection"]
                absent.append(f"{name}: {connection['message'] or connection['state']}")
        self.online.missing = "; ".join(absent)
        if not absent:
            took = time.time() - self.started
            self.online.seen = f"{', '.join(self.kinds)} after {took:.1f} s"

    def _heater(self, printer: str, heater: str, eta: dict[str, Any]) -> None:
        if self.eta.seen is not None:
            return
        now = time.time()
        key = (printer, heater)
        if eta.get("ready") is True and key in self.heatups:
            self._judge(f"{printer} {heater}", self.heatups.pop(key), now)
            return
        ready_at = eta.get("ready_at")
        if eta.get("heating") and not eta.get("ready") and isinstance(ready_at, (int, float)):
            said = self.heatups.setdefault(key, HeatUp()).said
            if not said or said[-1][2] != ready_at:
                said.append((now, ready_at - now, ready_at))
        elif eta.get("heating") is False:
            self.heatups.pop(key, None)  # switched off on the way

    def _judge(self, name: str, heatup: HeatUp, ready: float) -> None:
        """By the prediction in force half-way; it must have counted down until there."""
        begun, first, _ = heatup.said[0]
        if ready - begun < WORTH:
            return
        half = (begun + ready) / 2
        _, _, promised = [one for one in heatup.said if one[0] <= half][-1]
        left = promised - half
        error = ready - promised
        words = f"{name}: half-way it said {left:.1f} s, it took {ready - half:.1f} s"
        if abs(error) <= max(SLACK, SHARE * left) and left < first:
            self.eta.seen = words
        else:
            self.eta.missing = f"the ETA was wrong: {words}"

    async def _preheat(self) -> None:
        heater = next(
            (name for name in await self._local_heaters() if name.split()[-1] == "chamber"), None
        )
        if heater is None:
            return
        for step in CHAMBER_STEPS:
            script = f"SET_HEATER_TEMPERATURE HEATER=chamber TARGET={step}"
            await self.client.call("printer.gcode.script", script=script)
            await self._until_ready(heater)
        script = "SET_HEATER_TEMPERATURE HEATER=chamber TARGET=0"
        await self.client.call("printer.gcode.script", script=script)

    async def _local_heaters(self) -> list[str]:
        """Once the local printer prints: by itself it starts no job while a heater is on."""
        while True:
            for info in (await self.client.call("server.moonfleet.printers"))["printers"]:
                if info["name"] == "klipper" and info["snapshot"]["state"] == "printing":
                    return list(info["heaters"])
            await asyncio.sleep(0.5)

    async def _until_ready(self, heater: str) -> None:
        await asyncio.sleep(1.0)  # the new target is not in the fleet yet
        while True:
            info = await self.client.call("server.moonfleet.printer", printer="klipper")
            if info["heaters"][heater]["ready"]:
                return
            await asyncio.sleep(0.5)

    async def _pause(self) -> None:
        """Pause what prints and can be paused, look at its state, and let it go on."""
        while self.pause.seen is None:
            for info in (await self.client.call("server.moonfleet.printers"))["printers"]:
                if pausable(info, time.time() - self.started):
                    await self._pause_one(info["name"])
                if self.pause.seen is not None:
                    return
            await asyncio.sleep(1.0)

    async def _pause_one(self, name: str) -> None:
        start = time.time()
        try:
            reply = await self.client.call("server.moonfleet.print.pause", printer=name)
            state = await self._state(name)
            if reply["result"] == "accepted" and state == "paused":
                took = time.time() - start
                await self._command("resume", name)
                self.pause.seen = f"{name} was paused after {took:.1f} s, and resumed"
            else:
                why = reply["reason"] or f"its state is {state}"
                self.pause.missing = f"{name}: pause {reply['result']}: {why}"
        except (CallError, asyncio.TimeoutError) as error:
            self.pause.missing = f"{name}: {error or 'no answer to the pause'}"

    async def _state(self, name: str) -> Optional[str]:
        info = await self.client.call("server.moonfleet.printer", printer=name)
        return info["snapshot"]["state"]

    async def _command(self, action: str, name: str) -> None:
        reply = await self.client.call(f"server.moonfleet.print.{action}", printer=name)
        if reply["result"] != "accepted":
            raise CallError(f"{action} {reply['result']}: {reply['reason']}")

    async def _end_jobs(self) -> None:
        """At a slow --speed no job ends in time by itself."""
        await asyncio.sleep(HELP_AFTER)
        # at once: a klippy that waits for a temperature obeys late
        await asyncio.gather(*(self._end_job(name, kind) for name, kind in self.kinds.items()))

    async def _end_job(self, name: str, kind: str) -> None:
        row = self.jobs.get(kind)
        if row is None or row.seen is not None:
            return
        try:
            await self._command("cancel", name)
        except CallError as error:
            row.missing = str(error)
