# Printers that come and go while the fleet runs
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Joining and leaving are told, and an open job survives both."""

from __future__ import annotations

import asyncio
import json

import pytest
from moonfleet.bridges.base import BridgeType, Connection, Link, PrinterSettings, bridge_types
from moonfleet.core.errors import ConfigFault, NotConnected, NotSupported, UnknownPrinter
from moonfleet.core.model import PrintState
from moonfleet.managed import PLACE, ManagedPrinters

from tests.unit.fleet.fakes import Clock, FakeBridge, Store, make_fleet, shot

KIND = BridgeType(
    name="fake",
    label="Fake",
    parse=lambda reader: {"key": reader.secret("key", required=True)},
    create=FakeBridge,
)
GOOD = {"type": "fake", "host": "192.0.2.1", "key": "open sesame"}


@pytest.fixture
def fake_type(monkeypatch):
    monkeypatch.setattr("moonfleet.config.bridge_types", lambda: {**bridge_types(), "fake": KIND})


async def nothing() -> None:
    pass


async def test_joining_and_leaving_are_told_and_keep_the_open_job():
    store, clock = Store(), Clock()
    fleet, bridges = make_fleet("x1c", store=store, clock=clock)
    told: list[tuple[str, bool]] = []
    fleet.listen_members(lambda name, present: told.append((name, present)))
    await fleet.start()
    bridges["x1c"].online(shot())
    bridges["x1c"].host.on_snapshot(shot(PrintState.PRINTING))
    job = fleet.printer("x1c").job
    await fleet.leave("x1c")
    assert bridges["x1c"].stopped
    with pytest.raises(UnknownPrinter):
        fleet.printer("x1c")
    bridges["x1c"].host.on_snapshot(shot(PrintState.PAUSED))  # a straggler harms nobody
    await fleet.join(PrinterSettings("x1c", "fake", "X1C"), FakeBridge, managed=True)
    assert told == [("x1c", False), ("x1c", True)]
    again = fleet.printer("x1c")
    assert again.managed and again.job is not None and again.job.job_id == job.job_id
    await fleet.stop()


async def test_repin_asks_the_bridge():
    fleet, _ = make_fleet("x1c")
    fleet.add_broken(PrinterSettings("bad", "fake", "B"), "[moonfleet bad] option 'host': missing")
    with pytest.raises(NotSupported):
        await fleet.repin("x1c")
    with pytest.raises(NotConnected):
        await fleet.repin("bad")


async def test_stored_printers_join_and_a_broken_one_is_shown(fake_type):
    store = Store()
    stored = {
        "good": GOOD,
        "nokey": {**GOOD, "key": ""},
        "gone": {**GOOD, "type": "nolonger"},
        "x1c": GOOD,
        "odd": ["no section"],
    }
    store.texts[PLACE] = json.dumps(stored)
    fleet, _ = make_fleet("x1c", store=store)
    managed = ManagedPrinters(fleet, nothing)
    await managed.load()
    await fleet.start()
    states = {p.name: (p.connection.state, p.managed) for p in fleet.printers()}
    assert states == {
        "good": (Link.CONNECTING, True),
        "nokey": (Link.CONFIG_ERROR, True),
        "gone": (Link.CONFIG_ERROR, True),
        "x1c": (Link.CONNECTING, False),  # moonraker.conf goes first
    }
    assert "option 'key'" in (fleet.printer("nokey").connection.message or "")
    await managed.remove("gone")  # what is broken can be removed, or repaired
    await managed.update("nokey", {"key": "again"})
    assert fleet.printer("nokey").connection.state is Link.CONNECTING
    with pytest.raises(ConfigFault, match="change it there"):
        await managed.remove("x1c")
    assert set(json.loads(store.texts[PLACE])) == {"good", "nokey"}
    await fleet.stop()


async def test_credentials_go_nowhere_that_they_were_not_given_for(fake_type):
    store = Store()
    store.texts[PLACE] = json.dumps({"good": GOOD})
    fleet, _ = make_fleet("x1c", store=store)
    managed = ManagedPrinters(fleet, nothing)
    await managed.load()
    await fleet.start()
    for option, value in (("host", "192.0.2.66"), ("port", 66)):
        with pytest.raises(ConfigFault, match=f"'key': would go .* another '{option}'"):
            await managed.update("good", {option: value})
    assert json.loads(store.texts[PLACE]) == {"good": GOOD}
    await managed.update("good", {"display_name": "Garage", "control": "none"})
    await managed.update("good", {"host": "192.0.2.66", "key": "again"})
    assert fleet.printer("good").settings.host == "192.0.2.66"
    await fleet.stop()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', "[" * 2000])
async def test_a_damaged_store_is_an_empty_one(text):
    store = Store()
    store.texts[PLACE] = text
    fleet, _ = make_fleet("x1c", store=store)
    await ManagedPrinters(fleet, nothing).load()
    assert fleet.names() == ("x1c",)


async def test_a_trial_that_raises_tells_and_leaves_nothing(fake_type):
    class Loud(FakeBridge):
        async def start(self) -> None:
            self.host.on_connection(Connection(Link.AUTH_FAILED, "no"))

    fleet, _ = make_fleet()
    managed = ManagedPrinters(fleet, nothing)
    with pytest.raises(ConfigFault, match="option 'key'"):
        await managed.test({**GOOD, "key": ""})
    object.__setattr__(KIND, "create", Loud)
    try:
        result = await managed.test(GOOD)
    finally:
        object.__setattr__(KIND, "create", FakeBridge)
    assert result["ok"] is False and result["connection"]["state"] == "auth_failed"
    assert fleet.names() == ()


async def test_one_bad_second_does_not_stop_the_clock_of_all(monkeypatch, caplog):
    fleet, _bridges = make_fleet("x1c")
    monkeypatch.setattr("moonfleet.fleet.TICK", 0.001)
    seconds = []

    def stumble() -> None:
        seconds.append(1)
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(fleet.events, "tick", stumble)
    await fleet.start()
    for _ in range(1000):
        if len(seconds) >= 5:
            break
        await asyncio.sleep(0.01)
    await fleet.stop()
    assert len(seconds) >= 5
    assert caplog.text.count("Traceback") == 1, "told once"


async def test_a_printer_that_left_is_heard_of_no_more():
    clock = Clock()
    fleet, bridges = make_fleet("x1c", clock=clock)
    heard = []
    fleet.listen_events(heard.append)
    await fleet.start()
    bridges["x1c"].online(shot())
    bridges["x1c"].host.on_connection(Connection(Link.UNREACHABLE, "gone"))
    await fleet.leave("x1c")
    clock.advance(3600.0)
    fleet.events.tick()
    await fleet.stop()
    assert [event["type"] for event in heard] == ["printer_online"]
