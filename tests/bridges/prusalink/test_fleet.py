# A Prusa in the fleet: commands proven by its state, jobs in the history
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The fleet, the bridge and the emulated printer together; nothing is faked in between."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Optional

import pytest
from moonfleet.bridges.prusalink.bridge import PrusaLinkBridge
from moonfleet.core.commands import Action, Command, Control, Verdict
from moonfleet.core.errors import Forbidden, NotConnected, NotSupported
from moonfleet.core.jobs import JobRecord
from moonfleet.fleet import Fleet

from tests.emulators.prusalink import EmulatedPrusaLink

from .stage import PASSWORD, QUICK, emulated, settings_for, until

FLAVOURS = ("buddy", "python")


class Store:
    """What Moonraker's database does for the fleet."""

    def __init__(self) -> None:
        self.texts: dict[tuple[str, str], Optional[str]] = {}
        self.open: dict[str, Mapping[str, Any]] = {}

    async def load_text(self, printer: str, key: str) -> Optional[str]:
        return self.texts.get((printer, key))

    async def store_text(self, printer: str, key: str, value: Optional[str]) -> None:
        self.texts[printer, key] = value

    async def load_open_jobs(self) -> Mapping[str, Mapping[str, Any]]:
        return dict(self.open)

    def save_open_job(self, printer: str, job: Optional[Mapping[str, Any]]) -> None:
        if job is None:
            self.open.pop(printer, None)
        else:
            self.open[printer] = job


@asynccontextmanager
async def fleet_of(
    printer: EmulatedPrusaLink, store: Store, control: Control = Control.JOBS
) -> AsyncIterator[tuple[Fleet, list[JobRecord]]]:
    fleet, ended = Fleet(store), []
    settings = replace(settings_for(printer.port, password=PASSWORD), control=control)
    fleet.add(settings, lambda known, host: PrusaLinkBridge(known, host, QUICK))

    def on_job(record: JobRecord, action: str) -> None:
        if action == "finished":
            ended.append(record)

    fleet.listen_jobs(on_job)
    await fleet.start()
    try:
        await until(lambda: fleet.printer("mk").online, "online")
        yield fleet, ended
    finally:
        await fleet.stop()


def asked(action: Action, **params: Any) -> Command:
    return Command(action, params)


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_commands_are_accepted_when_the_state_shows_them(flavour: str) -> None:
    long = emulated(flavour, print_seconds=36000.0)
    async with long as printer, fleet_of(printer, Store()) as (fleet, ended):
        for command in (
            asked(Action.START, filename="cube.gcode"),
            asked(Action.PAUSE),
            asked(Action.RESUME),
            asked(Action.CANCEL),
        ):
            result = await fleet.command("mk", command, "test")
            assert result.verdict is Verdict.ACCEPTED, (command, result)
        assert [record.status for record in ended] == ["cancelled"]
        assert not ended[0].status_estimated
        again = await fleet.command("mk", asked(Action.RESUME), "test")
        assert again.verdict is Verdict.REJECTED
        with pytest.raises(NotSupported):
            await fleet.command("mk", asked(Action.TEMPERATURE, heater="extruder"), "test")


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_a_print_ends_in_the_history_once(flavour: str) -> None:
    async with emulated(flavour) as printer, fleet_of(printer, Store()) as (fleet, ended):
        started = await fleet.command("mk", asked(Action.START, filename="cube.gcode"), "test")
        assert started.verdict is Verdict.ACCEPTED
        await until(lambda: ended, "an end")
        count = len(printer.stats.requests)
        await until(lambda: len(printer.stats.requests) > count + 10)
        assert [(record.status, record.name) for record in ended] == [("completed", "cube.gcode")]


async def test_a_job_that_ended_while_the_bridge_was_away_is_closed_as_estimated() -> None:
    store = Store()
    async with emulated("buddy", print_seconds=3.6e6) as printer:  # far from its end
        async with fleet_of(printer, store) as (fleet, ended):
            await fleet.command("mk", asked(Action.START, filename="cube.gcode"), "test")
            await until(lambda: fleet.printer("mk").job is not None)
            await fleet.save()
        assert not ended
        printer.machine.vanish()
        async with fleet_of(printer, store) as (fleet, ended):
            await until(lambda: ended, "the end that nobody saw")
            assert ended[0].status == "interrupted" and ended[0].status_estimated


async def test_a_printer_that_is_off_says_so() -> None:
    async with emulated("buddy") as printer, fleet_of(printer, Store()) as (fleet, _):
        await printer.unplug()
        await until(lambda: not fleet.printer("mk").online)
        with pytest.raises(NotConnected, match="refuses the connection"):
            await fleet.command("mk", asked(Action.PAUSE), "test")


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_only_what_the_server_can_do_is_offered(flavour: str) -> None:
    async with emulated(flavour) as printer, fleet_of(printer, Store()) as (fleet, _):
        ready = ["set_ready"] if flavour == "python" else []
        offered = fleet.printer("mk").capabilities()
        assert offered == ["cancel", "pause", "resume", *ready, "start"]
        if ready:
            result = await fleet.command("mk", asked(Action.SET_READY), "test")
            assert result.verdict is Verdict.ACCEPTED
        else:
            with pytest.raises(NotSupported):
                await fleet.command("mk", asked(Action.SET_READY), "test")


async def test_control_none_permits_nothing() -> None:
    async with emulated("buddy") as printer:
        async with fleet_of(printer, Store(), Control.NONE) as (fleet, _):
            with pytest.raises(Forbidden, match="control: jobs"):
                await fleet.command("mk", asked(Action.PAUSE), "test")
        assert all(method == "GET" for _, method, _, _ in printer.stats.requests)
