# The bridge against the real PrusaLink server 0.8.1 with a simulated MK3S
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Marked ``peer`` and skipped, with the reason, where the server is not installed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from moonfleet.bridges.base import Link
from moonfleet.bridges.prusalink.bridge import PrusaLinkBridge
from moonfleet.core.commands import Action, Command
from moonfleet.core.errors import CommandRejected
from moonfleet.core.jobs import JobTracker
from moonfleet.core.model import PrinterSnapshot, PrintState

from .real_server import API_KEY, PASSWORD, USER, RealPrusaLink, missing
from .stage import QUICK, Host, settings_for, until

pytestmark = pytest.mark.peer
PACE = replace(QUICK, fast=0.2, active=0.2, idle=0.2, idle_python=0.2, timeout=10.0, boost=10.0)
LONG = 90.0  # s that a broken test waits


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPrusaLink]:
    reason = missing()
    if reason is not None:
        pytest.skip(reason)
    running = RealPrusaLink(tmp_path_factory.mktemp("prusalink"))
    yield running
    running.close()


class Recorder(Host):
    """A host that keeps a history, as the fleet does."""

    def __init__(self) -> None:
        super().__init__()
        self.tracker = JobTracker("mk", PrusaLinkBridge.rules)
        self.finished: list[str] = []

    def on_snapshot(self, snapshot: PrinterSnapshot) -> None:
        super().on_snapshot(snapshot)
        for event in self.tracker.observe(snapshot, self.now()):
            if event.kind == "finished":
                self.finished.append(event.record.status)


@asynccontextmanager
async def bridged(
    server: RealPrusaLink, **options: str
) -> AsyncIterator[tuple[PrusaLinkBridge, Recorder]]:
    host = Recorder()
    options = options or {"user": USER, "password": PASSWORD}
    bridge = PrusaLinkBridge(settings_for(server.port, **options), host, PACE)
    await bridge.start()
    try:
        yield bridge, host
    finally:
        await bridge.stop()


async def ready(server: RealPrusaLink, host: Host) -> None:
    try:
        await until(lambda: host.link is Link.ONLINE, "online", LONG)
        await until(lambda: host.last.state is not None and _idle(host), "idle", LONG)
        await until(lambda: "extruder" in host.last.heaters, "temperatures", LONG)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{server.tail()}") from None


def _idle(host: Host) -> bool:
    ended = (PrintState.STANDBY, PrintState.COMPLETE, PrintState.CANCELLED)
    return host.last.state in ended and host.last.stage != "busy"


def gcode(moves: int) -> bytes:
    lines = ["; a part", "M73 P0 R5", "M104 S60", "M109 S60"]
    for move in range(moves):
        share = move / moves
        if move % 10 == 0:
            lines.append(f"M73 P{int(100 * share)} R{5 - int(5 * share)}")
        lines.append(f"G1 X{move % 100} Y{move % 90} Z{0.2 + 4 * share:.2f} E{move * 0.1:.2f}")
    lines += ["M104 S0", "M73 P100 R0", "; estimated printing time (normal mode) = 5m 0s", ""]
    return "\n".join(lines).encode()


async def upload(bridge: PrusaLinkBridge, name: str, moves: int, start: bool = False) -> bytes:
    content = gcode(moves)

    async def source() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 4096):
            yield content[start : start + 4096]

    await bridge.files.upload(name, source, len(content), start=start)
    return content


async def test_who_is_there(server: RealPrusaLink) -> None:
    async with bridged(server) as (bridge, host):
        await ready(server, host)
        assert bridge.debug()["flavour"] == "python"
        await until(lambda: host.last.firmware == "3.14.1-8237", "its firmware", LONG)
        assert host.last.model == "MK3S"
        assert host.last.heaters["heater_bed"].temperature == pytest.approx(24.0)
    async with bridged(server, api_key=API_KEY) as (_, host):
        await ready(server, host)


@pytest.mark.parametrize("wrong", [{"user": USER, "password": "no"}, {"api_key": "no"}])
async def test_wrong_credentials(server: RealPrusaLink, wrong: dict[str, str]) -> None:
    async with bridged(server) as (_, host):
        await ready(server, host)
    async with bridged(server, **wrong) as (_, host):
        await until(lambda: host.link is Link.AUTH_FAILED, timeout=LONG)
        assert not host.snapshots


async def test_files(server: RealPrusaLink) -> None:
    async with bridged(server) as (bridge, host):
        await ready(server, host)
        files = bridge.files
        await files.make_folder("sub dir")
        content = await upload(bridge, "sub dir/part one.gcode", 50)
        await upload(bridge, "sub dir/part one.gcode", 50)  # overwrites
        assert [entry.size for entry in await files.list("sub dir")] == [len(content)]
        got = b"".join([chunk async for chunk in files.download("sub dir/part one.gcode")])
        assert got == content
        assert await files.thumbnail("sub dir/part one.gcode") is None
        with pytest.raises(CommandRejected, match="already"):
            await files.upload("sub dir/part one.gcode", _never, 10, overwrite=False)
        with pytest.raises(CommandRejected, match="MiB left"):
            await files.upload("huge.gcode", _never, 1 << 60)
        with pytest.raises(CommandRejected, match="'sdcard' is not there"):
            await files.upload("sdcard/part.gcode", _never, 10)
        await files.delete("sub dir/part one.gcode")
        assert await files.list("sub dir") == []


def _never() -> AsyncIterator[bytes]:
    raise AssertionError("a refused upload must not be read")


async def test_a_print_with_everything_in_it(server: RealPrusaLink) -> None:
    async with bridged(server) as (bridge, host):
        await ready(server, host)
        await upload(bridge, "whole.gcode", 400)
        await bridge.send(Command(Action.START, {"filename": "whole.gcode"}))
        await until(lambda: host.last.state is PrintState.PRINTING, "printing", LONG)
        await until(lambda: _named(host, "whole.gcode"), "the file's name", LONG)
        await until(lambda: _progress(host) > 0.05, "progress", LONG)
        await bridge.send(Command(Action.PAUSE))
        await until(lambda: host.last.state is PrintState.PAUSED, "paused", LONG)
        with pytest.raises(CommandRejected, match="printing"):
            await bridge.send(Command(Action.PAUSE))
        await bridge.send(Command(Action.RESUME))
        await until(lambda: host.last.state is PrintState.PRINTING, "resumed", LONG)
        before = _progress(host)
        server.printer.attention()
        await until(lambda: host.last.stage == "attention", "attention", LONG)
        assert host.last.state is PrintState.PAUSED and _progress(host) >= before
        server.printer.attention(False)
        await until(lambda: host.last.state is PrintState.PRINTING, "attention over", LONG)
        await until(lambda: host.last.state is PrintState.COMPLETE, "complete", LONG)
        assert host.finished == ["completed"]
        await until(lambda: host.last.state is PrintState.STANDBY, "the end goes away", LONG)
        assert host.finished == ["completed"]


async def test_the_next_job_starts_with_a_lie_and_is_stopped(server: RealPrusaLink) -> None:
    async with bridged(server) as (bridge, host):
        await ready(server, host)
        await upload(bridge, "stopped.gcode", 3000)
        await bridge.send(Command(Action.START, {"filename": "stopped.gcode"}))
        await until(lambda: host.last.state is PrintState.PRINTING, "printing", LONG)
        await until(lambda: _progress(host) > 0.0, "progress", LONG)
        shown = [snapshot.job.progress for snapshot in host.snapshots if snapshot.job is not None]
        assert max(progress or 0.0 for progress in shown) < 0.9, "the last job's progress"
        await bridge.send(Command(Action.CANCEL))
        await until(lambda: host.last.state is PrintState.CANCELLED, "cancelled", LONG)
        assert host.finished == ["cancelled"]
        with pytest.raises(CommandRejected):
            await bridge.send(Command(Action.SET_READY))  # the end is still on show
        await until(lambda: host.last.state is PrintState.STANDBY, "the end goes away", LONG)
        await bridge.send(Command(Action.SET_READY))
        await until(lambda: host.last.stage == "ready", "ready", LONG)


async def test_the_serial_line_is_lost_in_a_print(server: RealPrusaLink) -> None:
    async with bridged(server) as (bridge, host):
        await ready(server, host)
        await upload(bridge, "lost.gcode", 3000, start=True)
        with pytest.raises(CommandRejected, match="already running"):
            await bridge.files.upload("next.gcode", _never, 10, start=True)
        await until(lambda: _progress(host) > 0.0, "progress", LONG)
        server.printer.unplug()
        await until(lambda: host.last.state is PrintState.ERROR, "error", LONG)
        assert "erial" in (host.last.message or "")
        assert host.finished == ["error"]
        server.printer.plug()
        await until(lambda: host.last.state is PrintState.STANDBY, "back", LONG)
        assert host.finished == ["error"]


def _named(host: Host, name: str) -> bool:
    return host.last.job is not None and host.last.job.name == name


def _progress(host: Host) -> float:
    return (host.last.job.progress or 0.0) if host.last.job is not None else 0.0
