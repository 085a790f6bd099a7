# Who is told what, when, and at what cost
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Leading edge at once, then four a second; one encoding per subscription; bounded memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from moonfleet.core.model import Heater
from moonfleet.instance import hub as hub_module
from moonfleet.instance.hub import Hub
from moonfleet.instance.subscriptions import difference, parse_subscription

from .house import FakeSink, House, printing

WATCH = {"extruder": None, "heater_bed": ["target"]}


def hot(temperature: float) -> Any:
    return printing(heaters={**printing().heaters, "extruder": Heater(temperature, 220.0)})


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = await House().start()
    yield house
    await house.stop()


async def test_changes_within_a_quarter_second_are_told_once(house: House) -> None:
    await house.result("printer.objects.subscribe", objects=WATCH)
    for step in range(50):
        house.bridge.host.on_snapshot(hot(200.0 + step))
    assert [m["params"][0] for m in house.sink.messages("notify_status_update")] == [
        {"extruder": {"temperature": 200.0}}
    ]
    for _ in range(200):
        if len(house.sink.messages("notify_status_update")) > 1:
            break
        await asyncio.sleep(0.02)
    updates = house.sink.messages("notify_status_update")
    assert [update["params"][0] for update in updates[1:]] == [{"extruder": {"temperature": 249.0}}]


async def test_clients_that_watch_the_same_share_one_encoding(house: House) -> None:
    sinks = [FakeSink(uid) for uid in range(10, 15)]
    for sink in sinks:
        client = house.virtual.connect(sink)
        await house.call("printer.objects.subscribe", client, objects=WATCH)
    house.bridge.host.on_snapshot(hot(230.0))
    messages = [sink.sent[-1] for sink in sinks]
    assert all(message is messages[0] for message in messages)


async def test_only_subscribed_fields_are_told(house: House) -> None:
    await house.result("printer.objects.subscribe", objects={"heater_bed": ["target"]})
    house.bridge.host.on_snapshot(hot(230.0))
    assert house.sink.messages("notify_status_update") == []


async def test_who_watches_everything_hears_of_new_objects(house: House) -> None:
    house.bridge.host.on_snapshot(printing(filament=None))
    names = (await house.result("printer.objects.list"))["objects"]
    assert "AFC" not in names
    await house.result("printer.objects.subscribe", objects=dict.fromkeys(names))
    house.bridge.host.on_snapshot(printing())
    house.virtual.flush()
    told: dict[str, Any] = {}
    for update in house.sink.messages("notify_status_update"):
        told.update(update["params"][0])
    assert told["AFC"]["lanes"] and told["AFC_stepper A1"]["material"] == "PLA"


async def test_unauthenticated_clients_are_told_nothing(house: House) -> None:
    await house.result("printer.objects.subscribe", objects=WATCH)
    house.sink.need_auth = True
    house.bridge.host.on_snapshot(hot(230.0))
    house.virtual.say("// hello")
    house.virtual.tick(b"{}")
    assert house.sink.messages("notify_status_update") == []
    assert house.sink.messages("notify_gcode_response") == []


def objects(**temperatures: float) -> dict[str, dict[str, Any]]:
    return {name: {"temperature": value, "target": 0.0} for name, value in temperatures.items()}


def test_a_client_that_is_behind_gets_one_difference_when_it_reads_again() -> None:
    hub, sink = Hub("x1c"), FakeSink()
    client = hub.add(sink, 0.0)
    hub.told = objects(extruder=1.0, bed=1.0)
    hub.subscribe(client, parse_subscription({"extruder": None, "bed": None}))
    sink.behind = True
    for step in range(100):
        hub.publish(objects(extruder=2.0 + step, bed=1.0), float(step))
    assert sink.sent == []
    sink.behind = False
    hub.tick(101.0)
    (message,) = sink.messages()
    assert message["params"][0] == {"extruder": {"temperature": 101.0}}
    hub.publish(objects(extruder=5.0, bed=1.0), 102.0)
    assert sink.messages()[-1]["params"][0] == {"extruder": {"temperature": 5.0}}


def test_a_client_that_never_reads_is_dropped() -> None:
    hub, sink = Hub("x1c"), FakeSink()
    hub.add(sink, 0.0)
    sink.behind = True
    hub.tick(10.0)
    hub.tick(10.0 + hub_module.DROP_AFTER - 1.0)
    assert sink.dropped is None
    hub.tick(10.0 + hub_module.DROP_AFTER + 1.0)
    assert sink.dropped is not None and sink.dropped[0] == 1008


def test_broadcasts_do_not_pile_up_for_a_client_that_is_behind() -> None:
    hub, sink = Hub("x1c"), FakeSink()
    hub.add(sink, 0.0)
    sink.behind = True
    for _ in range(100):
        hub.broadcast(b"{}")
    assert sink.sent == []


def test_a_difference_has_changed_fields_and_new_objects_only() -> None:
    before = {"a": {"x": 1, "y": 2}, "gone": {"z": 0}}
    after = {"a": {"x": 1, "y": 3}, "new": {"k": None}}
    assert difference(before, after) == {"a": {"y": 3}, "new": {"k": None}}
    assert difference(after, after) == {}


async def test_every_second_a_frame_keeps_the_socket_alive(house: House) -> None:
    alive = json.dumps({"jsonrpc": "2.0", "method": "notify_proc_stat_update"}).encode()
    house.virtual.tick(alive)
    house.virtual.tick(alive)
    assert len(house.sink.messages("notify_proc_stat_update")) == 2


async def test_temperatures_are_sampled_once_a_second(house: House) -> None:
    for _ in range(3):
        house.virtual.tick(b"{}")
    store = await house.result("server.temperature_store", include_monitors=True)
    assert store["extruder"]["temperatures"] == [219.5] * 3
    assert store["extruder"]["targets"] == [220.0] * 3
    assert store["temperature_sensor chamber"]["temperatures"] == [38.0] * 3


async def test_signs_of_life_are_for_those_who_hear_nothing_else() -> None:
    house = await House().start()
    quiet = FakeSink(2)
    house.virtual.connect(quiet)
    await house.call("printer.objects.subscribe", objects={"extruder": None})
    house.bridge.host.on_snapshot(
        printing(speed_factor=0.5, heaters={"extruder": Heater(1.0, 2.0)})
    )
    assert house.sink.messages("notify_status_update")
    house.virtual.tick(b'{"method": "alive"}')
    assert not house.sink.messages("alive") and len(quiet.messages("alive")) == 1
    house.virtual.hub.broadcast(b'{"method": "alive"}', house.virtual.eventtime() + 1.0)
    assert len(house.sink.messages("alive")) == 1  # silent for long enough by then
    await house.stop()


async def test_a_report_without_news_does_not_make_the_next_one_wait() -> None:
    house = await House().start()
    await house.result("printer.objects.subscribe", objects={"extruder": None})
    house.bridge.host.on_snapshot(printing())
    assert house.sink.messages("notify_status_update") == []
    house.bridge.host.on_snapshot(hot(200.0))
    assert len(house.sink.messages("notify_status_update")) == 1
    await house.stop()
