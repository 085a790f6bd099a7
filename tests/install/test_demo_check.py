# The self-check of the demo judges rightly
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""A check that passes whatever happens would be worse than none."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.demo import check as module
from tests.demo.check import Check

KINDS = {"klipper": "klipper", "x1c": "bambu", "mk4": "prusalink"}


class FakeClient:
    """A fleet in which everything goes well unless a test says otherwise."""

    def __init__(self) -> None:
        self.online = dict.fromkeys(KINDS, True)
        self.state = dict.fromkeys(KINDS, "printing")
        self.jobs = [
            {"printer": name, "name": "cube", "filename": None, "status": "completed"}
            for name in KINDS
        ]
        self.verdict: dict[str, Any] = {"result": "accepted", "reason": None}
        self.obeys = True
        self.on_notify: Any = None
        self.calls: list[tuple[str, str]] = []

    @staticmethod
    def eta(ready: bool, ready_at: float) -> dict[str, Any]:
        return {"heating": True, "ready": ready, "ready_at": ready_at}

    def info(self, name: str) -> dict[str, Any]:
        return {
            "name": name,
            "type": KINDS[name],
            "online": self.online[name],
            "connection": {"state": "unreachable", "message": "no route to it"},
            "capabilities": ["pause", "resume", "cancel"],
            "snapshot": {"state": self.state[name], "job": {"progress": 0.1}},
            "heaters": {},
        }

    async def call(self, method: str, **params: Any) -> Any:
        if method == "server.moonfleet.printers":
            return {"printers": [self.info(name) for name in KINDS]}
        if method == "server.moonfleet.printer":
            return self.info(params["printer"])
        if method == "server.moonfleet.history.list":
            return {"jobs": self.jobs}
        action = method.rsplit(".", 1)[-1]
        self.calls.append((action, params["printer"]))
        if self.obeys and action in ("pause", "resume"):
            self.state[params["printer"]] = {"pause": "paused", "resume": "printing"}[action]
        return self.verdict


@pytest.fixture
def clock(monkeypatch):
    now = {"time": 1000.0}
    monkeypatch.setattr(module.time, "time", lambda: now["time"])
    return now


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(module, "LIMIT", 0.5)


def heat(check: Check, clock: dict, promised: float, took: float) -> None:
    """A heat-up whose end was promised after ``promised`` and came after ``took`` seconds."""
    start = clock["time"]
    check._heater("klipper", "extruder", FakeClient.eta(False, start + promised))
    clock["time"] = start + took
    check._heater("klipper", "extruder", FakeClient.eta(True, start + promised))


def test_an_eta_that_was_right_counts(clock):
    check = Check(FakeClient(), KINDS)
    heat(check, clock, 20.0, 21.5)
    assert check.eta.seen == "klipper extruder: half-way it said 9.2 s, it took 10.8 s"


@pytest.mark.parametrize(("promised", "took"), [(20.0, 30.0), (20.0, 12.0), (20.0, 23.0)])
def test_an_eta_that_was_wrong_does_not(clock, promised, took):
    check = Check(FakeClient(), KINDS)
    heat(check, clock, promised, took)
    assert check.eta.seen is None
    assert "the ETA was wrong" in check.eta.missing


def test_a_heat_up_of_an_instant_does_not(clock):
    check = Check(FakeClient(), KINDS)
    heat(check, clock, 1.0, 1.0)
    assert check.eta.seen is None


def test_a_heater_that_was_ready_all_along_does_not(clock):
    check = Check(FakeClient(), KINDS)
    check._heater("klipper", "extruder", FakeClient.eta(True, 1000.0))
    assert check.eta.seen is None


async def run(client: FakeClient) -> Check:
    check = Check(client, KINDS)  # type: ignore[arg-type]
    check.eta.seen = "judged elsewhere"
    await check.run()
    return check


async def test_it_passes_when_everything_was_seen(short):
    client = FakeClient()
    check = await run(client)
    assert check.passed()
    assert client.calls[:2] == [("pause", "klipper"), ("resume", "klipper")]


async def test_an_offline_printer_fails_it_by_name(short):
    client = FakeClient()
    client.online["mk4"] = False
    check = await run(client)
    assert not check.passed()
    assert check.online.missing == "mk4: no route to it"


async def test_a_pause_that_the_state_does_not_show_fails_it(short):
    client = FakeClient()
    client.obeys = False
    check = await run(client)
    assert not check.passed()
    assert "its state is printing" in check.pause.missing


async def test_a_refused_pause_fails_it_with_the_reason(short):
    client = FakeClient()
    client.obeys = False
    client.verdict = {"result": "rejected", "reason": "developer mode is off"}
    check = await run(client)
    assert check.pause.missing.endswith("pause rejected: developer mode is off")


async def test_a_job_that_only_runs_fails_it(short):
    client = FakeClient()
    client.jobs[1]["status"] = "in_progress"
    check = await run(client)
    assert [row.what for row in check.rows() if row.seen is None] == [
        "a bambu job has ended in the history"
    ]


async def test_at_a_slow_speed_the_jobs_are_ended_without_waiting_for_each_other(monkeypatch):
    monkeypatch.setattr(module, "LIMIT", 5.0)
    monkeypatch.setattr(module, "HELP_AFTER", 0.0)
    client = FakeClient()
    for job in client.jobs:
        job["status"] = "in_progress"
    answer, others = client.call, asyncio.Semaphore(0)

    async def call(method: str, **params: Any) -> Any:
        if method.endswith("print.cancel"):
            if params["printer"] == "klipper":  # obeys once both others have
                await others.acquire()
                await others.acquire()
            job = next(job for job in client.jobs if job["printer"] == params["printer"])
            job["status"] = "cancelled"
            others.release()
        return await answer(method, **params)

    client.call = call
    check = await run(client)
    assert check.passed(), [row.missing for row in check.rows()]
