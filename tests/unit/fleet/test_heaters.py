# Heater ETA of bridged printers, as the fleet uses the thermal model
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The model has tests of its own; here it is when it is fed, asked, told and remembered."""

from __future__ import annotations

import math

import pytest
from moonfleet.core.model import Heater, PrinterSnapshot
from moonfleet.heaters import HeaterWatch
from moonfleet.thermal.types import HeaterState

from tests.unit.fleet.fakes import Clock


class World:
    def __init__(self) -> None:
        self.clock = Clock()
        self.watch = HeaterWatch("x1c", self.clock.monotonic)

    def report(self, temperature, target, name="extruder") -> bool:
        return self.watch.observe(PrinterSnapshot(heaters={name: Heater(temperature, target)}))

    def heat(self, target: float = 210.0, tau: float = 30.0) -> list[float]:
        """A plain first-order heat-up, one report a second; the etas that were told."""
        etas = []
        self.report(25.0, 0.0)
        for second in range(240):
            self.clock.advance(1.0)
            temperature = min(target, 25.0 + (target * 1.3 - 25.0) * (1 - math.exp(-second / tau)))
            self.report(round(temperature, 1), target)
            eta = self.watch.estimates["extruder"].eta
            if eta is not None:
                etas.append(eta)
        return etas

    @property
    def state(self) -> HeaterState:
        return self.watch.estimates["extruder"].state


def test_a_heat_up_counts_down_to_ready():
    world = World()
    etas = world.heat()
    assert world.state is HeaterState.READY
    assert etas[0] > 20.0 and etas[-1] == 0.0


def test_a_heater_that_holds_or_is_off_is_no_news():
    world = World()
    world.heat()
    for _ in range(50):
        world.watch.tick()
    world.report(210.0, 210.0)  # what was learned of the heat-up is news, once
    news = 0
    for second in range(120):
        world.clock.advance(1.0)
        news += world.report(210.0 + 0.2 * (second % 3 - 1), 210.0)
        news += world.watch.tick()
    assert world.state is HeaterState.READY
    assert news == 0
    off = World()
    off.report(25.0, 0.0)
    assert not any(off.report(25.0 + 0.01 * n, 0.0) for n in range(50))


def test_the_countdown_goes_on_between_reports():
    world = World()
    world.report(25.0, 0.0)
    for second in range(10):
        world.clock.advance(1.0)
        world.report(25.0 + 3.0 * second, 210.0)
    before = world.watch.estimates["extruder"]
    assert before.heating and before.eta
    world.clock.advance(2.0)
    assert world.watch.tick()
    after = world.watch.estimates["extruder"]
    assert after.eta == pytest.approx(before.eta - 2.0, abs=1.0)


def test_a_printer_that_reports_each_second_is_not_told_twice_a_second():
    world = World()
    world.report(25.0, 0.0)
    for second in range(20):
        world.clock.advance(0.5)
        assert world.report(25.0 + 3.0 * second, 210.0)
        world.clock.advance(0.5)
        assert not world.watch.tick()
    world.clock.advance(1.0)
    assert world.watch.tick()  # it has fallen silent: the countdown goes on by itself


def test_an_idle_printer_that_reports_rarely_is_still_off():
    world = World()
    world.report(25.0, 0.0)
    for _ in range(60):
        world.clock.advance(1.0)
        world.watch.tick()
        assert world.state is HeaterState.OFF


def test_out_of_reach_nothing_is_known():
    world = World()
    world.report(25.0, 210.0)
    world.watch.lost()
    assert world.state is HeaterState.UNKNOWN
    assert world.watch.estimates["extruder"].eta is None
    assert not world.watch.tick()
    world.clock.advance(5.0)
    world.report(25.0, 0.0)
    assert world.state in (HeaterState.OFF, HeaterState.COOLED)


@pytest.mark.parametrize(("temperature", "target"), [(None, 210.0), (25.0, None), (None, None)])
def test_what_is_only_a_sensor_has_no_eta(temperature, target):
    world = World()
    assert not world.report(temperature, target, "chamber")
    assert world.watch.estimates == {}


async def test_what_was_learned_comes_back():
    world = World()
    world.heat()
    for _ in range(200):
        world.watch.tick()
    stored = world.watch.unsaved()
    assert stored is not None
    assert world.watch.unsaved() is None  # nothing new since

    async def load(key: str):
        assert key == "heaters"
        return stored

    again = World()
    await again.watch.restore(load)
    again.report(25.0, 0.0)
    assert again.watch.estimates["extruder"].learned == 1


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"extruder": 5}', '{"extruder": {}}'])
async def test_a_damaged_memory_is_none(text):
    async def load(_key: str):
        return text

    world = World()
    await world.watch.restore(load)
    world.report(25.0, 0.0)
    assert world.state is HeaterState.OFF
