# What a print drew from the plug, from sensors that count and sensors that measure power
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""A sensor has the shape that Moonraker's own have."""

from __future__ import annotations

from typing import Any, Optional

import pytest
from moonfleet.core.model import PrintState
from moonfleet.energy import EnergyWatch

from tests.unit.fleet.fakes import Clock, FakeBridge, Store, make_fleet, shot


class Sensor:
    def __init__(self, **units: str) -> None:
        self.units = units
        self.last_measurements: dict[str, Any] = {}

    def get_sensor_info(self, extended: bool = False) -> dict[str, Any]:
        assert extended
        return {"parameter_info": [{"name": n, "units": u} for n, u in self.units.items()]}


class World:
    def __init__(self, sensor: Sensor, wanted: str = "plug", store: Optional[Store] = None) -> None:
        self.clock, self.sensor = Clock(), sensor
        self.fleet, bridges = make_fleet(
            "x1c", "mk4", clock=self.clock, store=store, energy_sensor=wanted
        )
        self.bridge: FakeBridge = bridges["x1c"]
        self.watch = EnergyWatch(self.fleet, lambda: {"plug": self.sensor})
        self.done: list[Any] = []
        self.fleet.listen_jobs(lambda record, action: self.done.append(record))

    def read(self, seconds: float = 0.0, **values: Any) -> Optional[float]:
        self.clock.advance(seconds)
        self.sensor.last_measurements = values
        self.watch.look()
        job = self.fleet.printer("x1c").job
        return None if job is None else job.energy

    def print(self) -> None:
        self.bridge.online(shot(PrintState.STANDBY))
        self.bridge.host.on_snapshot(shot(PrintState.PRINTING))


@pytest.mark.parametrize(("units", "factor"), [("kWh", 1.0), ("Wh", 1000.0), (" WH ", 1000.0)])
async def test_a_counter_is_taken_as_it_stands(units, factor):
    world = World(Sensor(temperature="C", total=units))
    await world.fleet.start()
    assert world.read(total=100.0 * factor) is None
    world.print()
    assert world.read(total=100.5 * factor) == 0.0
    assert world.read(5.0, total=100.7 * factor) == pytest.approx(0.2)
    assert world.read(5.0, total=0.1 * factor) == pytest.approx(0.2)  # set back at midnight
    assert world.read(5.0) == pytest.approx(0.2)  # the plug is out of reach
    assert world.read(5.0, total=0.4 * factor) == pytest.approx(0.5)
    world.bridge.host.on_snapshot(shot(PrintState.COMPLETE, progress=1.0))
    assert world.done[-1].energy == pytest.approx(0.5)
    assert world.done[-1].to_json()["energy"] == pytest.approx(0.5)
    await world.fleet.stop()


async def test_a_power_is_added_up():
    world = World(Sensor(power="W", volts="V"))
    await world.fleet.start()
    world.print()
    world.read(power=360.0)
    assert world.read(10.0, power=360.0) == pytest.approx(0.001)
    assert world.read(10.0, power=0.0) == pytest.approx(0.001)
    assert world.read(10.0) == pytest.approx(0.001)
    assert world.read(10.0, power=360.0) == pytest.approx(0.001)  # nobody knows what it was
    assert world.read(3600.0, power=360.0) == pytest.approx(0.001)  # nor here
    assert world.read(10.0, power=720.0) == pytest.approx(0.003)
    await world.fleet.stop()


async def test_a_restart_counts_what_ran_meanwhile():
    store, sensor = Store(), Sensor(total="kWh")
    first = World(sensor, store=store)
    await first.fleet.start()
    first.print()
    first.read(total=7.0)
    first.read(total=7.25)
    await first.fleet.save()
    await first.fleet.stop()
    second = World(sensor, store=store)
    await second.fleet.start()
    assert second.read(total=8.0) == pytest.approx(1.0)
    await second.fleet.stop()


async def test_the_energy_of_a_job_whose_start_nobody_saw_is_not_known():
    world = World(Sensor(total="kWh"))
    await world.fleet.start()
    world.bridge.online(shot(PrintState.PRINTING, progress=0.5))
    assert world.read(total=1.0) is None and world.read(total=2.0) is None
    await world.fleet.stop()


@pytest.mark.parametrize("value", [None, "3", float("nan"), float("inf"), -1.0, True, [1]])
async def test_what_is_no_number_is_no_reading(value):
    world = World(Sensor(total="kWh"))
    await world.fleet.start()
    world.print()
    world.read(total=1.0)
    assert world.read(total=value) == 0.0
    assert world.read(total=1.5) == 0.5
    await world.fleet.stop()


async def test_a_value_can_be_named_and_mistakes_are_told():
    sensor = Sensor(power="W", total="kWh", old="Wh")
    world = World(sensor, wanted="plug: power")
    assert world.watch.unknown() == []
    await world.fleet.start()
    world.print()
    world.read(power=360.0, total=5.0)
    assert world.read(10.0, power=360.0, total=9.0) == pytest.approx(0.001)
    await world.fleet.stop()
    (sentence, _) = World(sensor, wanted="oven").watch.unknown()
    assert sentence.startswith("[moonfleet mk4] option 'energy_sensor': 'oven' is not known; add")
    (sentence, _) = World(Sensor(heat="C")).watch.unknown()
    assert "'plug' has no value with units kWh" in sentence
    (sentence, _) = World(sensor, wanted="plug:volts").watch.unknown()
    assert "'plug:volts' has no value with units" in sentence
    assert World(sensor, wanted="").watch.unknown() == []
