# The status feed: what changed, first at once, then coalesced
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Diffs of PrinterInfo, at most four a second."""

from __future__ import annotations

import asyncio
import copy
from typing import Any

from moonfleet.core.model import PrintState
from moonfleet.notify import INTERVAL, StatusFeed, difference

from tests.unit.fleet.fakes import heated, make_fleet, shot


def merge(state: dict[str, Any], news: dict[str, Any]) -> None:
    """What docs/external_api.md tells a client to do."""
    for name, diff in news.items():
        mine = state.setdefault(name, {})
        for key, value in diff.items():
            if key in ("snapshot", "heaters") and isinstance(mine.get(key), dict):
                mine[key].update(value)
            else:
                mine[key] = value


async def test_bursts_are_coalesced_and_nothing_is_lost():
    fleet, bridges = make_fleet("a", "b")
    sent: list[tuple[float, dict[str, Any]]] = []
    loop = asyncio.get_running_loop()
    feed = StatusFeed(fleet, lambda news, _: sent.append((loop.time(), copy.deepcopy(news))))
    await fleet.start()
    for number in range(300):
        for bridge in bridges.values():
            bridge.online(shot(PrintState.PRINTING, progress=number / 300))
        await asyncio.sleep(0.002)
    await asyncio.sleep(INTERVAL * 2)
    feed.close()
    state: dict[str, Any] = {}
    for _, news in sent:
        merge(state, news)
    for name in ("a", "b"):
        now = fleet.printer(name).to_json()
        assert state[name]["snapshot"] == now["snapshot"]
        assert state[name]["online"] is True
    gaps = [b - a for (a, _), (b, _) in zip(sent, sent[1:])]
    assert min(gaps) >= INTERVAL * 0.9  # the loop's clock is coarse
    await fleet.stop()


async def test_the_first_change_goes_out_at_once():
    fleet, bridges = make_fleet("a")
    sent: list[dict[str, Any]] = []
    feed = StatusFeed(fleet, lambda news, _: sent.append(news))
    await fleet.start()
    await asyncio.sleep(INTERVAL * 2)
    count = len(sent)
    bridges["a"].online(shot(PrintState.PRINTING))
    await asyncio.sleep(0)  # call_later(0)
    await asyncio.sleep(0.01)
    assert len(sent) > count
    feed.close()
    bridges["a"].host.on_snapshot(shot(PrintState.PAUSED))
    await asyncio.sleep(INTERVAL * 2)
    assert sent[-1]["a"]["snapshot"]["state"] == "printing"
    await fleet.stop()


def test_only_what_changed_is_sent():
    fleet, bridges = make_fleet("a")
    printer = fleet.printer("a")
    before = printer.to_json()
    assert difference(before, printer.to_json()) == {}
    bridges["a"].host.on_snapshot(shot(PrintState.PRINTING, heaters=heated(20.0, 0.0)))
    diff = difference(before, printer.to_json())
    assert set(diff) <= {"snapshot", "heaters", "job"}
    assert set(diff["snapshot"]) == {"state", "job", "heaters"}


def test_a_sign_of_life_is_no_news():
    old = {"connection": {"state": "online", "last_report": 1.0, "message": None}}
    new = {"connection": {"state": "online", "last_report": 2.0, "message": None}}
    assert difference(old, new) == {}
    new["connection"]["state"] = "stale"
    assert difference(old, new) == new
    assert difference({}, new) == new
