# Printers come and go, users log out, jobs end
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""All virtual printers of one fleet."""

from __future__ import annotations

import asyncio
from typing import Any

from moonfleet.bridges.base import PrinterSettings
from moonfleet.core.model import PrintState
from moonfleet.instance.manager import VirtualPrinters
from moonfleet.instance.printer import VirtualPrinter

from ..fleet.fakes import shot
from .house import FakeSink, House, RichBridge


class Ways:
    """Stands for the adapter: opens and closes the way to each printer."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.open: list[str] = []
        self.virtual = VirtualPrinters(house.fleet, self._make, self._unmake)

    def _make(self, name: str) -> VirtualPrinter:
        self.open.append(name)
        return VirtualPrinter(self.house.fleet, self.house.fleet.printer(name))

    def _unmake(self, virtual: VirtualPrinter) -> None:
        self.open.remove(virtual.name)


async def test_printers_that_come_are_opened_and_local_ones_are_not() -> None:
    house = await House().start()
    ways = Ways(house)
    ways.virtual.start()
    assert ways.open == ["x1c"]
    await house.fleet.join(PrinterSettings("klipper", "klipper", "Klipper"), RichBridge)
    await house.fleet.join(PrinterSettings("mk4", "fake", "MK4"), RichBridge)
    for _ in range(500):  # seen at the next second at the latest
        if ways.open == ["x1c", "mk4"]:
            break
        await asyncio.sleep(0.02)
    assert ways.open == ["x1c", "mk4"]
    await ways.virtual.close()
    await house.stop()


async def test_a_printer_with_new_settings_is_opened_anew_and_its_clients_come_again() -> None:
    house = await House().start()
    ways = Ways(house)
    ways.virtual.start()
    sink = FakeSink(5)
    ways.virtual.printers["x1c"].connect(sink)
    await house.fleet.join(PrinterSettings("x1c", "fake", "Renamed"), RichBridge)
    ways.virtual.follow()
    assert ways.open == ["x1c"]
    assert sink.dropped is not None
    assert ways.virtual.printers["x1c"].view().display_name == "Renamed"
    await ways.virtual.close()
    await house.stop()


async def test_who_logs_out_is_told_to_every_socket() -> None:
    house = await House().start()
    ways = Ways(house)
    ways.virtual.start()
    sink = FakeSink(5)
    ways.virtual.printers["x1c"].connect(sink)
    ways.virtual.user_gone("anna")
    assert sink.users_gone == ["anna"]
    await ways.virtual.close()
    assert sink.dropped is not None
    await house.stop()


async def test_jobs_and_seconds_reach_the_clients() -> None:
    house = await House().start(shot(PrintState.STANDBY))
    ways = Ways(house)
    ways.virtual.start()
    sink = FakeSink(5)
    ways.virtual.printers["x1c"].connect(sink)
    house.bridge.host.on_snapshot(shot(PrintState.PRINTING))
    house.bridge.host.on_snapshot(shot(PrintState.COMPLETE, progress=1.0))

    def actions() -> list[Any]:
        return [m["params"][0] for m in sink.messages("notify_history_changed")]

    assert [news["action"] for news in actions()] == ["added", "finished"]
    assert actions()[1]["job"]["status"] == "completed"
    assert actions()[1]["job"]["filename"] == "cube.gcode"
    for _ in range(500):
        if sink.messages("notify_proc_stat_update"):
            break
        await asyncio.sleep(0.02)
    assert sink.messages("notify_proc_stat_update")
    await ways.virtual.close()
    await house.stop()


async def test_a_way_that_could_not_be_opened_is_tried_again() -> None:
    """One mistake must not leave every later change of the fleet unseen."""
    house = await House().start()
    ways = Ways(house)
    ways.virtual.start()
    make, failures = ways.virtual._make, []

    def stumble(name: str) -> VirtualPrinter:
        if not failures:
            failures.append(name)
            raise OSError("no room")
        return make(name)

    ways.virtual._make = stumble
    await house.fleet.join(PrinterSettings("mk4", "fake", "MK4"), RichBridge)
    for _ in range(500):
        if ways.open == ["x1c", "mk4"]:
            break
        await asyncio.sleep(0.02)
    assert failures == ["mk4"] and ways.open == ["x1c", "mk4"]
    await ways.virtual.close()
    await house.stop()
