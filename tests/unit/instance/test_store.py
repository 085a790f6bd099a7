# Short histories stay short
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Sizes and shapes of the temperature and console stores."""

from __future__ import annotations

from moonfleet.instance.store import GcodeStore, TemperatureStore


def test_the_newest_samples_stay_in_order() -> None:
    store = TemperatureStore(length=4)
    for value in range(7):
        store.add({"extruder": {"temperature": float(value), "target": 200.0, "power": None}})
    assert store.to_json() == {
        "extruder": {
            "temperatures": [3.0, 4.0, 5.0, 6.0],
            "targets": [200.0] * 4,
            "powers": [None] * 4,
        }
    }


def test_a_sensor_without_target_has_temperatures_only() -> None:
    store = TemperatureStore(length=4)
    store.add({"temperature_sensor chamber": {"temperature": 38.123}})
    store.add({"temperature_sensor chamber": {"temperature": None}})
    assert store.to_json() == {"temperature_sensor chamber": {"temperatures": [38.12, None]}}


def test_a_sensor_that_is_gone_is_forgotten() -> None:
    store = TemperatureStore(length=4)
    store.add({"a": {"temperature": 1.0}, "b": {"temperature": 2.0}})
    store.add({"a": {"temperature": 1.0}})
    assert list(store.to_json()) == ["a"]


def test_console_lines_are_cut_and_counted() -> None:
    store = GcodeStore(length=3)
    for number in range(5):
        store.add(f"line {number}" + "x" * 5000, float(number), "response")
    lines = store.to_json()
    assert [line["time"] for line in lines] == [2.0, 3.0, 4.0]
    assert max(len(line["message"]) for line in lines) <= 2000
    assert [line["time"] for line in store.to_json(1)] == [4.0]
    assert store.to_json(0) == []
