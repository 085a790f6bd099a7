# Every fault of the emulator is named, survived and forgotten
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The fault matrix. Windows of the bridge are shortened (helpers.QUICK), those of the printer are
its own."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from moonfleet.bridges.base import Link
from moonfleet.core.commands import Action, Command
from moonfleet.core.errors import CommandRejected
from moonfleet.core.model import JobPhase, PrintState

from .conftest import World
from .helpers import RecordingHost, until


async def printing(world: World, model: str = "P1S", **options: Any) -> Any:
    printer = await world.printer(model, speed=200.0, job_seconds=1_000_000.0, **options)
    printer.start_job("Benchy")
    bridge, host = await world.bridge(printer)
    await until(lambda: host.snapshot.stage == "printing")
    return printer, bridge, host


def log_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.message for r in caplog.records if r.name.startswith("test.moonfleet")]


async def healthy(host: RecordingHost) -> None:
    """Online, and reports arrive."""
    await until(lambda: host.link is Link.ONLINE)
    count = len(host.snapshots)
    await until(lambda: len(host.snapshots) > count + 2)


async def test_wrong_access_code(world: World, caplog: pytest.LogCaptureFixture) -> None:
    printer = await world.printer()
    _, host = await world.bridge(printer, access_code="00000000")
    await until(lambda: host.link is Link.AUTH_FAILED)
    assert "access code" in host.message
    await until(lambda: printer.server.connects >= 2)
    # each try waits for the long back-off of refused credentials, and says nothing new
    assert len(log_lines(caplog)) == 1
    assert [c.state for c in host.connections] == [Link.CONNECTING, Link.AUTH_FAILED]
    printer.access_code = "00000000"
    await healthy(host)


def test_refused_credentials_are_never_tried_within_a_minute() -> None:
    from moonfleet.bridges.bambu.timing import Timing

    schedule = Timing().auth_backoff
    assert min(schedule.delay(n, r / 10) for n in range(20) for r in range(11)) >= 60.0
    assert max(Timing().backoff.delay(n, 1.0) for n in range(50)) <= 60.0


async def test_no_room_for_another_client(world: World) -> None:
    printer = await world.printer()
    printer.faults.full = True
    _, host = await world.bridge(printer)
    await until(lambda: host.link is Link.REFUSED)
    assert "close other programs" in host.message
    printer.faults.full = False
    await healthy(host)


async def test_deltas_only(world: World) -> None:
    printer = await world.printer()
    printer.faults.deltas_only = True
    bridge, host = await world.bridge(printer)
    await until(lambda: host.link is Link.ONLINE)
    printer.start_job("Benchy")
    await until(lambda: host.snapshot.state is PrintState.PRINTING)
    # nothing is invented for what never came
    assert host.snapshot.lights == {}
    printer.faults.deltas_only = False
    await bridge.refresh()
    await until(lambda: host.snapshot.lights)


async def test_no_acks_and_no_puback(world: World) -> None:
    printer, bridge, host = await printing(world)
    printer.faults.no_acks = printer.faults.no_puback = True
    await bridge.send(Command(Action.PAUSE))
    await until(lambda: host.snapshot.state is PrintState.PAUSED)
    assert printer.commands().count("pause") == 1


async def test_late_acks(world: World) -> None:
    printer, bridge, host = await printing(world)
    printer.faults.ack_delay = 0.8
    await bridge.send(Command(Action.PAUSE))
    await until(lambda: host.snapshot.state is PrintState.PAUSED)
    # an answer that comes too late belongs to nobody
    printer.faults.ack_delay = 2.5
    await bridge.send(Command(Action.LIGHT, {"name": "chamber_light", "mode": "off"}))
    await healthy(host)


@pytest.mark.parametrize("echo", ["before", "after"])
async def test_cancel_code_before_and_after(world: World, echo: str) -> None:
    printer, _, host = await printing(world)
    printer.machine.echo = echo
    printer.machine.stop()  # somebody presses stop on the printer's screen
    await until(lambda: host.snapshot.state is PrintState.CANCELLED)
    assert host.snapshot.job_report.phase is JobPhase.FAILED
    assert host.snapshot.job_report.cancel_echo


async def test_a_failure_is_no_cancel(world: World) -> None:
    printer, _, host = await printing(world)
    printer.machine.fail(0x03008004)
    await until(lambda: host.snapshot.state is PrintState.ERROR)
    assert not host.snapshot.job_report.cancel_echo


async def test_pause_by_the_printer_itself(world: World) -> None:
    printer, _, host = await printing(world, "A1 mini")
    printer.machine.hold(0x03008015)
    await until(lambda: host.snapshot.state is PrintState.PAUSED)
    assert "run out" in (host.snapshot.message or "")


async def test_silent_zombie(world: World, caplog: pytest.LogCaptureFixture) -> None:
    printer, _, host = await printing(world)
    before = host.snapshot
    printer.faults.silent = True
    await until(lambda: host.link is Link.STALE)
    assert host.snapshot is before  # nothing is zeroed, no job ends
    assert ("pushing", "start") in [(g, b.get("command")) for g, b in printer.requests]
    await until(lambda: printer.server.connects >= 2)  # a new connection is tried
    await until(lambda: host.link is Link.NO_REPORTS)
    lines = log_lines(caplog)
    await until(lambda: printer.server.connects >= 3)
    assert len(log_lines(caplog)) <= len(lines) + 1
    printer.faults.silent = False
    await healthy(host)
    assert host.snapshot.state is PrintState.PRINTING


async def test_silent_from_the_first_moment(world: World) -> None:
    printer = await world.printer()
    printer.faults.silent = True
    _, host = await world.bridge(printer)
    await until(lambda: host.link is Link.NO_REPORTS)
    assert host.snapshots == []


async def test_somebody_stopped_the_reports(world: World) -> None:
    printer, _, host = await printing(world)
    printer.faults.stopped = True
    await until(lambda: not printer.faults.stopped)  # the watchdog asked for them again
    await healthy(host)
    assert printer.server.connects == 1
    assert Link.NO_REPORTS not in [c.state for c in host.connections]


async def test_reports_flow_but_requests_are_ignored(world: World) -> None:
    printer, bridge, host = await printing(world)
    printer.faults.deaf = True
    await bridge.send(Command(Action.PAUSE))  # sent; the fleet will find it unconfirmed
    assert host.snapshot.state is PrintState.PRINTING
    # a connection like that is given up for a new one, and the command is not sent again
    await until(lambda: host.link is Link.FAULT)
    assert "ignores requests" in host.message
    printer.faults.deaf = False
    await healthy(host)
    assert "pause" not in printer.commands()


async def test_reboot_mid_print(world: World) -> None:
    printer, _, host = await printing(world)
    await printer.reboot(0.5)
    await until(lambda: Link.REFUSED in [c.state for c in host.connections])
    await healthy(host)
    await until(lambda: host.snapshot.state is PrintState.STANDBY)
    assert host.connections[-1].reconnects >= 1


async def test_network_lost_and_the_print_goes_on(world: World) -> None:
    printer, _, host = await printing(world)
    identity = host.snapshot.job_report.identity
    await printer.offline()
    await until(lambda: host.link is Link.REFUSED)
    assert host.snapshot.state is PrintState.PRINTING  # kept, not ended by silence
    await printer.online()
    await healthy(host)
    assert host.snapshot.job_report.identity == identity
    assert JobPhase.NONE not in {s.job_report.phase for s in host.snapshots[5:]}


async def test_connections_that_break_again_and_again(world: World) -> None:
    printer, _, host = await printing(world)
    for count in range(3):
        await until(lambda count=count: printer.server.accepted > count)  # type: ignore[misc]
        await until(lambda: printer.server.clients)
        printer.drop_clients()
    await healthy(host)
    assert len(printer.server.clients) == 1


async def test_garbage_between_the_reports(world: World) -> None:
    printer, bridge, host = await printing(world)
    printer.faults.garbage = True
    count = len(host.snapshots)
    await until(lambda: len(host.snapshots) > count + 20)
    assert host.link is Link.ONLINE
    assert host.snapshot.state is PrintState.PRINTING
    assert host.snapshot.heaters["extruder"].target == 220.0
    await bridge.send(Command(Action.PAUSE))
    await until(lambda: host.snapshot.state is PrintState.PAUSED)


async def test_bytes_that_are_no_mqtt(world: World) -> None:
    printer = await world.printer()
    printer.faults.raw_garbage = True
    _, host = await world.bridge(printer)
    await until(lambda: printer.server.connects >= 3)
    assert host.link in (Link.UNREACHABLE, Link.FAULT, Link.CONNECTING)
    printer.faults.raw_garbage = False
    await healthy(host)


async def test_a_message_of_200_mib_is_refused_unread(world: World) -> None:
    printer = await world.printer()
    printer.faults.oversized = True
    _, host = await world.bridge(printer)
    await until(lambda: host.link is Link.FAULT)
    assert "1 MiB" in host.message
    printer.faults.oversized = False
    await healthy(host)


async def test_big_pushes(world: World) -> None:
    printer = await world.printer("H2D")
    printer.faults.big_pushes = True
    _, host = await world.bridge(printer)
    await healthy(host)
    assert host.snapshot.filament is not None


async def test_commands_without_param_are_dropped_but_ours_have_it(world: World) -> None:
    printer, bridge, host = await printing(world)
    printer.faults.drop_without_param = True
    await bridge.send(Command(Action.PAUSE))
    await until(lambda: host.snapshot.state is PrintState.PAUSED)


async def test_no_developer_mode_on_an_old_printer(world: World) -> None:
    printer, bridge, host = await printing(world, "A1")
    printer.faults.developer_mode = False
    await bridge.send(Command(Action.PAUSE))
    await until(lambda: host.snapshot.accepts_commands.value == "no")
    with pytest.raises(CommandRejected, match="developer mode"):
        await bridge.send(Command(Action.PAUSE))
    assert host.snapshot.state is PrintState.PRINTING


async def test_a_port_that_speaks_something_else(world: World) -> None:
    import asyncio

    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(shout, "127.0.0.1", 0)
    printer = await world.printer()
    try:
        port = server.sockets[0].getsockname()[1]
        _, host = await world.bridge(printer, port=port)
        await until(lambda: host.link is Link.TLS_ERROR)
        assert "is this port the printer's MQTT" in host.message
    finally:
        server.close()


async def test_no_secret_leaves_the_bridge(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """A whole run with faults: logs, messages, debug data and exceptions are searched."""
    caplog.set_level(logging.DEBUG)
    code, serial = "s3cr3tC0", "01P00A777777777"
    printer = await world.printer(
        serial=serial, access_code=code, speed=200.0, job_seconds=1_000_000.0
    )
    printer.start_job("Benchy")
    bridge, host = await world.bridge(printer)
    said: list[str] = []
    await until(lambda: host.snapshot.stage == "printing")
    for command in (
        Command(Action.PAUSE),
        Command(Action.PAUSE),
        Command(Action.SPEED, {"factor": 9}),
        Command(Action.START, {"filename": "x.3mf"}),
    ):
        try:
            await bridge.send(command)
        except Exception as error:
            said.append(repr(error))
    printer.reply("print", {"result": "fail", "reason": f"{code} {serial}", "sequence_id": "1"})
    printer.access_code = "changed0"
    printer.drop_clients()
    await until(lambda: host.link is Link.AUTH_FAILED)
    printer.access_code = code
    await until(lambda: host.link is Link.ONLINE)
    await printer.new_certificate()
    await until(lambda: host.link is Link.TLS_ERROR)
    said += [record.getMessage() for record in caplog.records]
    said += [str(record.exc_info) for record in caplog.records]
    said += [repr(c) for c in host.connections] + [repr(bridge.debug()), repr(bridge)]
    said += [str(s.to_json()) + repr(s) for s in host.snapshots] + [repr(host.stored)]
    assert len(said) > 20
    for text in said:
        assert code not in text
        assert serial not in text
