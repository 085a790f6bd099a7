# The whole house over hours: how often it writes, and what it learns from its own record
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Fleet, recorder and history as the component joins them, in virtual time."""

from __future__ import annotations

import asyncio
import dataclasses
import pathlib
from typing import Any

import pytest
from moonfleet.bridges.base import PrinterSettings
from moonfleet.core.model import Job, PrintState, SlicedPlate
from moonfleet.fleet import Fleet
from moonfleet.history import History
from moonfleet.record import Recorder, weighed

from tests.unit.fleet.fakes import FakeBridge, Store, heated, shot
from tests.unit.fleet.virtual_time import PromptDatabase, VirtualLoop, play
from tests.unit.history.provider import TableDefinition

START = 1_790_000_000.0
HOUR = 3600.0
SHORT = 600.0  # s


class House:
    def __init__(self, loop: VirtualLoop, path: pathlib.Path, *names: str) -> None:
        self.now = lambda: START + loop.time()
        self.database = PromptDatabase(path / "history.db")
        self.history = History(self.database, TableDefinition)
        self.fleet = Fleet(self, self.now, loop.time)
        self.recorder = Recorder(self.fleet, self.history, lambda action, job: None)
        self.bridges: dict[str, FakeBridge] = {}
        for name in names:
            member = self.fleet.add(PrinterSettings(name, "fake", name.upper()), FakeBridge)
            assert isinstance(member.bridge, FakeBridge)
            self.bridges[name] = member.bridge

    # the fleet's store: open jobs go to the history, as in DatabaseStore

    load_text, store_text = Store.load_text, Store.store_text

    async def load_open_jobs(self) -> Any:
        return await self.history.load_open()

    def save_open_job(self, printer: str, job: Any) -> None:
        self.history.save_open(printer, job)

    async def __aenter__(self) -> House:
        self.texts: dict[tuple[str, str], str] = {}
        await self.recorder.start()
        await self.fleet.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.fleet.stop()
        await self.recorder.stop()
        self.database.close()

    def say(self, name: str, state: PrintState, run: str, progress: float, left: float) -> None:
        job = Job(name="cube", filename="cube.gcode", progress=progress, time_left=left)
        said = shot(state, run, heaters=heated(220.0 + progress, 220.0))
        self.bridges[name].online(dataclasses.replace(said, job=job))


def test_a_printing_fleet_is_one_commit_a_minute(tmp_path):
    """Eight printers report every second."""

    async def work(loop: VirtualLoop) -> None:
        async with House(loop, tmp_path, *(f"printer{n}" for n in range(8))) as house:

            async def prints(seconds: int, begin: float) -> None:
                for n in range(seconds):
                    for name in house.bridges:
                        done = begin + n / 4_000
                        house.say(name, PrintState.PRINTING, "run-1", done, 4_000 * (1 - done))
                    await asyncio.sleep(1.0)

            await prints(120, 0.0)
            house.database.commits = 0
            await prints(1800, 0.03)
            assert 28 <= house.database.commits <= 31
            rows = await house.history.list(status="in_progress")
            assert rows["count"] == 8
            assert all(job["progress"] > 0.45 for job in rows["jobs"])

    play(work)


def test_an_idle_fleet_writes_next_to_nothing(tmp_path):
    async def work(loop: VirtualLoop) -> None:
        async with House(loop, tmp_path, "one", "two") as house:
            for _ in range(int(HOUR)):
                for bridge in house.bridges.values():
                    bridge.online(shot(PrintState.STANDBY, heaters=heated(24.0, 0.0)))
                await asyncio.sleep(1.0)
            assert house.database.commits <= 4 + 2  # connected time, every quarter of an hour

    play(work)


class Storage:
    """The ``files`` of a bridge, as far as the record asks."""

    def __init__(self, *plates: SlicedPlate) -> None:
        self.asked: list[str] = []
        self.answer: Any = plates

    async def plates(self, path: str) -> Any:
        self.asked.append(path)
        await asyncio.sleep(5.0)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_a_completed_print_is_weighed_by_its_sliced_file(tmp_path):
    async def work(loop: VirtualLoop) -> None:
        async with House(loop, tmp_path, "one") as house:
            storage = house.bridges["one"].files = Storage(SlicedPlate(1, 60.0, 12.5))
            house.bridges["one"].online(shot(PrintState.STANDBY))

            async def weight(run: str, end: PrintState = PrintState.COMPLETE) -> Any:
                house.say("one", PrintState.PRINTING, run, 0.1, 60.0)
                await asyncio.sleep(30.0)
                house.say("one", end, run, 1.0, 0.0)
                await asyncio.sleep(30.0)
                house.bridges["one"].host.on_snapshot(shot(PrintState.STANDBY))
                (job,) = (await house.history.list(limit=1))["jobs"]
                return job["filament"]

            (entry,) = await weight("run-1")
            assert (entry["grams"], entry["slot"], entry["material"]) == (12.5, 0, None)
            assert storage.asked == ["cube.gcode"]
            assert await weight("run-2", PrintState.CANCELLED) == []
            assert storage.asked == ["cube.gcode"]  # what was used of it nobody knows
            storage.answer = (SlicedPlate(1, 60.0, 7.5, materials=("PLA",)),)
            assert (await weight("run-3"))[0]["material"] == "PLA"
            for storage.answer in (
                (),
                (SlicedPlate(1, 60.0, None),),
                (SlicedPlate(1, 60.0, 5.0), SlicedPlate(2, 60.0, 5.0)),  # which one?
                OSError("the wire"),
            ):
                assert await weight(f"run {storage.answer!r}") == []
            found = await house.history.statistics(None, START, house.now() + 1)
            assert found["fleet"]["filament_grams"] == 20.0
            assert found["materials"]["PLA"]["filament_grams"] == 7.5

    play(work)


@pytest.mark.parametrize(
    ("slots", "grams"),
    [
        ([{"unit": 0, "slot": 2, "material": "ABS", "grams": None}], 30.0),
        ([{"unit": 0, "slot": 2}, {"unit": 0, "slot": 3}], None),  # how much of each?
    ],
)
def test_the_weight_goes_to_the_slot_that_was_used(slots, grams):
    used = weighed(slots, (SlicedPlate(1, 60.0, 30.0),))
    assert used == (None if grams is None else ({**slots[0], "grams": grams},))


@pytest.mark.parametrize("late", [1.4, 1.0])
def test_the_finish_learns_from_the_record_and_its_accuracy_is_told(tmp_path, late):
    """A printer that needs ``late`` times as long as it says, always."""

    async def one(house: House, run: str, length: float) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        for n in range(101):
            left = length * (1 - n / 100) / late
            house.say("one", PrintState.PRINTING, run, n / 100, left)
            if n == 20:
                shown = house.fleet.printer("one").to_json()["job"]["finish"]
            await asyncio.sleep(length / 100)
        house.say("one", PrintState.COMPLETE, run, 1.0, 0.0)
        house.bridges["one"].host.on_snapshot(shot(PrintState.STANDBY))
        await asyncio.sleep(60.0)
        return shown

    async def work(loop: VirtualLoop) -> None:
        async with House(loop, tmp_path, "one") as house:
            house.bridges["one"].online(shot(PrintState.STANDBY))
            await asyncio.sleep(1.0)
            finishes = [await one(house, f"run-{n}", SHORT * (1 + n % 3)) for n in range(9)]
            assert finishes[0]["learned"] is False
            assert finishes[0]["time_left"] == pytest.approx(0.8 * SHORT / late, abs=1)
            true = 0.8 * 3 * SHORT
            assert finishes[8]["learned"] or late == 1.0
            assert finishes[8]["time_left"] == pytest.approx(true, rel=0.03)
            assert finishes[8]["low"] <= true <= finishes[8]["high"]
            assert finishes[8]["high"] - finishes[8]["low"] < 0.1 * true
            figures = (await house.history.statistics(None, START, house.now() + 1))["fleet"]
            assert figures["completed"] == 9
            share = figures["finish_error_corrected"] / figures["finish_error"]
            assert share < (0.75 if late > 1.0 else 1.001)

    play(work)
