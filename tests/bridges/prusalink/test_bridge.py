# The bridge against the emulated printer: life, commands, connections
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Nothing is timed here; every wait is for a condition."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, Optional

import pytest
from moonfleet.bridges.base import Link
from moonfleet.bridges.prusalink.transport import LinkFault
from moonfleet.core.commands import Action, Command
from moonfleet.core.errors import AnswerLost, CommandRejected, NotConnected, NotSupported
from moonfleet.core.model import JobPhase, PrintState

from .stage import PASSWORD, QUICK, Host, bridged, emulated, until

FLAVOURS = ("buddy", "python")


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_identity_temperatures_and_idle(flavour: str) -> None:
    async with emulated(flavour) as printer, bridged(printer) as (bridge, host):
        await until(lambda: host.link is Link.ONLINE and host.snapshots)
        assert host.last.state is PrintState.STANDBY
        assert host.last.heaters["extruder"].target == 0.0
        assert 20 < (host.last.heaters["heater_bed"].temperature or 0) < 30
        assert host.last.model == {"buddy": "MK4S", "python": "MK3S"}[flavour]
        assert host.last.firmware is not None
        assert bridge.debug()["flavour"] == flavour


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_a_job_from_start_to_end(flavour: str) -> None:
    async with emulated(flavour) as printer, bridged(printer) as (bridge, host):
        await until(lambda: host.link is Link.ONLINE)
        await bridge.send(Command(Action.START, {"filename": "parts/gear box.gcode"}))
        await until(lambda: host.last.state is PrintState.PRINTING)
        await until(lambda: host.last.job is not None and host.last.job.name == "gear box.gcode")
        job = host.last.job
        assert job is not None and (job.filename or "").endswith("gear box.gcode")
        assert job.origin == {"buddy": "usb", "python": "local"}[flavour]
        identity = host.last.job_report.identity
        assert identity is not None and identity.endswith(f":{printer.machine.job.id}")
        await until(lambda: (host.last.job.progress or 0) > 0.1, "progress")
        await until(lambda: host.last.state is PrintState.COMPLETE, "the end")
        assert host.last.job is not None and host.last.job.progress == 1.0
        assert host.last.job_report.phase is JobPhase.COMPLETED
        assert host.last.job_report.identity == identity
        phases = [snapshot.job_report.phase for snapshot in host.snapshots]
        assert JobPhase.FAILED not in phases


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_pause_resume_and_stop_are_shown_by_the_state(flavour: str) -> None:
    long = emulated(flavour, print_seconds=36000.0)
    async with long as printer, bridged(printer) as (bridge, host):
        await until(lambda: host.link is Link.ONLINE)
        await bridge.send(Command(Action.START, {"filename": "cube.gcode"}))
        await until(lambda: host.last.state is PrintState.PRINTING)
        await bridge.send(Command(Action.PAUSE))
        await until(lambda: host.last.state is PrintState.PAUSED)
        with pytest.raises(CommandRejected, match=r"(?i)printing"):
            await bridge.send(Command(Action.PAUSE))
        await bridge.send(Command(Action.RESUME))
        await until(lambda: host.last.state is PrintState.PRINTING)
        with pytest.raises(CommandRejected, match=r"(?i)state to print"):
            await bridge.send(Command(Action.START, {"filename": "cube.gcode"}))
        printer.machine.parking = 3600.0  # it parks until we have seen it
        await bridge.send(Command(Action.CANCEL))
        await until(lambda: host.last.stage == "cancelling")
        assert host.last.state is PrintState.PRINTING
        assert printer.machine.job is not None
        printer.machine.job.stopping_at = 0.0
        await until(lambda: host.last.state is PrintState.CANCELLED)
        assert host.last.job_report.phase is JobPhase.CANCELLED
        assert host.last.job_report.cancel_echo
        with pytest.raises(CommandRejected, match="no job"):
            await bridge.send(Command(Action.CANCEL))


async def test_set_ready_exists_on_the_python_server_only() -> None:
    async with emulated("python") as printer, bridged(printer) as (bridge, host):
        assert Action.SET_READY not in bridge.actions, "not known yet"
        await until(lambda: host.link is Link.ONLINE)
        assert Action.SET_READY in bridge.actions
        await bridge.send(Command(Action.SET_READY))
        await until(lambda: host.last.stage == "ready")
        assert host.last.state is PrintState.STANDBY
    async with emulated("buddy") as printer, bridged(printer) as (bridge, host):
        await until(lambda: host.link is Link.ONLINE)
        assert Action.SET_READY not in bridge.actions
        with pytest.raises(NotSupported, match="screen"):
            await bridge.send(Command(Action.SET_READY))


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_refusals_speak(flavour: str) -> None:
    async with emulated(flavour) as printer, bridged(printer) as (bridge, host):
        await until(lambda: host.link is Link.ONLINE)
        for name in ("missing.gcode", "usb/none.gcode"):
            with pytest.raises(CommandRejected, match=r"no file|refuses"):
                await bridge.send(Command(Action.START, {"filename": name}))
        for name in ("", "..", "a/../b", "x\ny"):
            with pytest.raises(CommandRejected, match="no file name"):
                await bridge.send(Command(Action.START, {"filename": name}))
        with pytest.raises(NotSupported):
            await bridge.send(Command(Action.GCODE, {"script": "M104 S200"}))


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_a_stop_is_for_the_job_that_was_seen(flavour: str) -> None:
    """The next job may have begun since the last poll: it was not meant."""
    long = emulated(flavour, print_seconds=36000.0)
    async with long as printer, bridged(printer) as (bridge, host):
        printer.machine.start_print(printer.file())
        await until(lambda: host.last.state is PrintState.PRINTING)
        job = printer.machine.job
        assert job is not None
        job.id += 1
        with pytest.raises(CommandRejected, match="another job"):
            await bridge.send(Command(Action.CANCEL))
        assert printer.machine.job is job and job.stopping_at is None


async def test_a_command_whose_answer_is_lost_may_have_been_obeyed() -> None:
    async with emulated("buddy", print_seconds=36000.0) as printer:
        printer.machine.start_print(printer.file())
        async with bridged(printer) as (bridge, host):
            await until(lambda: host.last.state is PrintState.PRINTING)
            ask = bridge._http.request

            async def obeyed_then_cut(method: str, *more: Any) -> Any:
                reply = await ask(method, *more)
                if method == "GET":
                    return reply
                raise LinkFault(Link.UNREACHABLE, "the printer does not answer")

            bridge._http.request = obeyed_then_cut
            with pytest.raises(AnswerLost, match="may have obeyed"):
                await bridge.send(Command(Action.PAUSE))
            bridge._http.request = ask
            await until(lambda: host.last.state is PrintState.PAUSED)


@pytest.mark.parametrize("pause", [0.0, 0.01, 0.03])
async def test_a_bridge_stops_in_the_moment_of_a_command(pause: float) -> None:
    async with emulated("buddy", print_seconds=36000.0) as printer:
        printer.machine.start_print(printer.file())
        async with bridged(printer) as (bridge, host):
            await until(lambda: host.last.state is PrintState.PRINTING)
            await bridge.send(Command(Action.PAUSE))
            await asyncio.sleep(pause)
            await asyncio.wait_for(bridge.stop(), 20.0)
            polls = len(printer.stats.requests)
            await asyncio.sleep(0.2)
            # one may have been under way
            assert len(printer.stats.requests) <= polls + 1, "nobody asks any more"


async def test_nothing_is_sent_while_offline() -> None:
    async with emulated("buddy") as printer, bridged(printer) as (bridge, host):
        await until(lambda: host.link is Link.ONLINE)
        await printer.unplug()
        await until(lambda: host.link is Link.REFUSED)
        assert "refuses the connection" in host.message
        with pytest.raises(NotConnected):
            await bridge.send(Command(Action.PAUSE))
        await printer.plug()
        await until(lambda: host.link is Link.ONLINE)
        assert host.connections[-1].reconnects == 1


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_one_connection_one_request_at_a_time(flavour: str) -> None:
    async with emulated(flavour) as printer, bridged(printer) as (bridge, host):
        await until(lambda: len(host.snapshots) > 30)
        await bridge.send(Command(Action.START, {"filename": "cube.gcode"}))
        await until(lambda: host.last.state is PrintState.COMPLETE)
        assert printer.stats.peak_active == 1
        assert printer.stats.peak_connections == 1
        if flavour == "buddy":
            assert printer.stats.opened <= 3  # the start of a print closes it by design
        unsigned = [status for *_, status in printer.stats.requests if status == 401]
        assert len(unsigned) <= 2  # signed ahead, not asked each time


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_api_key_instead_of_digest(flavour: str) -> None:
    async with emulated(flavour) as printer, bridged(printer, api_key=PASSWORD) as (_, host):
        await until(lambda: host.link is Link.ONLINE and host.last.state is PrintState.STANDBY)
        assert all(status != 401 for *_, status in printer.stats.requests)


async def test_material_of_a_buddy_is_asked_for_once_per_job() -> None:
    async with emulated("buddy") as printer, bridged(printer) as (bridge, host):
        await until(lambda: host.link is Link.ONLINE)
        await bridge.send(Command(Action.START, {"filename": "cube.gcode"}))
        await until(lambda: host.last.filament is not None)
        assert host.last.filament is not None
        assert host.last.filament.external[0].material == "PLA"
        await until(lambda: host.last.state is PrintState.COMPLETE)
        asked = [target for _, _, target, _ in printer.stats.requests if target == "/api/printer"]
        assert len(asked) == 1


async def test_material_is_asked_for_again_after_a_pause() -> None:
    long = emulated("buddy", print_seconds=36000.0)
    async with long as printer, bridged(printer) as (bridge, host):
        printer.machine.start_print(printer.file())
        await until(lambda: host.last.filament is not None)
        await bridge.send(Command(Action.PAUSE))
        await until(lambda: host.last.state is PrintState.PAUSED)
        printer.machine.material = "PETG"  # a new spool
        await bridge.send(Command(Action.RESUME))
        await until(lambda: _material(host) == "PETG")


def _material(host: Host) -> Optional[str]:
    filament = host.last.filament
    return None if filament is None else filament.external[0].material


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_a_heater_far_from_its_target_is_watched_closely(flavour: str) -> None:
    """Every other pace is an hour here, so the polls go on only because it heats."""
    hour = 3600.0
    pace = replace(QUICK, active=hour, idle=hour, idle_python=hour, settled=0.0, boost=0.0)
    slow = emulated(flavour, speed=1.0, print_seconds=36000.0)
    async with slow as printer:
        printer.machine.start_print(printer.file())
        async with bridged(printer, pace) as (bridge, host):
            await until(lambda: len(host.snapshots) > 10)
            printer.machine.nozzle.temperature = printer.machine.nozzle.target
            printer.machine.bed.temperature = printer.machine.bed.target
            await until(lambda: bridge._next_delay() == hour, "hot: the ordinary pace")


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_a_job_keeps_its_identity_through_absence_and_restart(flavour: str) -> None:
    long = emulated(flavour, print_seconds=36000.0)
    async with long as printer:
        async with bridged(printer) as (bridge, host):
            await until(lambda: host.link is Link.ONLINE)
            await bridge.send(Command(Action.START, {"filename": "cube.gcode"}))
            await until(lambda: host.last.job_report.identity is not None)
            identity = host.last.job_report.identity
            await printer.unplug()
            await until(lambda: host.link is Link.REFUSED)
            assert host.last.job_report.phase is JobPhase.ACTIVE, "silence ends nothing"
            await printer.plug()
            await until(lambda: host.link is Link.ONLINE)
            count = len(host.snapshots)
            await until(lambda: len(host.snapshots) > count)
            assert host.last.job_report.identity == identity
            await until(lambda: host.texts)
        async with bridged(printer, texts=host.texts) as (_, again):
            await until(lambda: again.last.job_report.identity is not None)
            assert again.last.job_report.identity == identity


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_a_printer_that_restarts_in_a_print(flavour: str) -> None:
    long = emulated(flavour, print_seconds=36000.0)
    async with long as printer, bridged(printer) as (bridge, host):
        await until(lambda: host.link is Link.ONLINE)
        await bridge.send(Command(Action.START, {"filename": "cube.gcode"}))
        await until(lambda: host.last.state is PrintState.PRINTING)
        await printer.unplug()
        printer.machine.reboot()
        await printer.plug()
        await until(lambda: host.last.state is PrintState.STANDBY)
        assert host.last.job_report.phase is JobPhase.NONE, "nobody said how it ended"
        assert host.last.job is None
