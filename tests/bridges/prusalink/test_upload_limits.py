# Uploads that cannot work, that stop moving, and that shall print
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Room is asked for before the first byte; a start is believed when the printer prints."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from moonfleet.bridges.base import Link
from moonfleet.bridges.prusalink.protocol.listing import Storage, parse_storages
from moonfleet.core.errors import CommandRejected, NotConnected
from moonfleet.core.model import PrintState

from tests.emulators.prusalink import EmulatedPrusaLink

from .stage import QUICK, bridged, emulated, until
from .test_files import BLOCK, FLAVOURS, blocks, ready

LONG = 36000.0  # s of print: it does not end while a test looks


def _puts(printer: EmulatedPrusaLink) -> int:
    return sum(method == "PUT" for _, method, _, _ in printer.stats.requests)


@pytest.mark.parametrize(
    ("document", "storages"),
    [
        (
            {"storage_list": [
                {"path": "/usb/", "name": "usb", "type": "USB", "read_only": False,
                 "available": True},
            ]},
            (Storage("usb", True, False),),
        ),
        (
            {"storage_list": [
                {"type": "LOCAL", "path": "/local", "available": True, "free_space": 77316272128,
                 "total_space": 270553174016, "read_only": False, "name": "PrusaLink gcodes"},
                {"type": "SDCARD", "path": "/sdcard", "available": False},
            ]},
            (Storage("local", True, False, 77316272128), Storage("sdcard", False)),
        ),
        (
            {"storage": {"path": "/usb/", "name": "usb", "read_only": False}, "printer": {}},
            (Storage("usb", None, False),),
        ),
        (
            {"storage": [{"path": "/local", "free_space": 5}, {"path": "/sdcard",
             "read_only": True}]},
            (Storage("local", free=5), Storage("sdcard", None, True)),
        ),
        ({"storage_list": [{"path": 3}, {}, None, {"path": "/usb", "free_space": "x",
          "available": 1, "read_only": "no"}]}, (Storage("usb"),)),
        ({"storage_list": {"path": []}}, ()),
        ({}, ()),
        ([], ()),
        (None, ()),
    ],
)  # fmt: skip
def test_storages_of_both_flavours(document: Any, storages: tuple[Storage, ...]) -> None:
    assert parse_storages(document) == storages


async def test_no_room_is_said_before_a_byte_is_sent() -> None:
    async with emulated("python") as printer, bridged(printer) as (bridge, host):
        await ready(host)
        size = len(BLOCK) * 100
        printer.faults.free_space = size
        with pytest.raises(CommandRejected, match=r"has 5 MiB left and the file needs 6; delete"):
            await bridge.files.upload("big.gcode", blocks(100), size)
        assert _puts(printer) == 0
        printer.faults.free_space = size + 1
        await bridge.files.upload("big.gcode", blocks(100), size)


async def test_a_full_stick_is_the_printers_own_no() -> None:
    async with emulated("buddy") as printer, bridged(printer) as (bridge, host):
        await ready(host)
        printer.faults.free_space = 10
        with pytest.raises(CommandRejected, match="USB drive full"):
            await bridge.files.upload("small.gcode", blocks(1), len(BLOCK))
        assert "small.gcode" not in printer.storage.files


async def test_a_storage_that_cannot_be_written() -> None:
    async with emulated("buddy") as printer, bridged(printer) as (bridge, host):
        await ready(host)
        printer.faults.no_storage = True
        with pytest.raises(CommandRejected, match="'usb' is not there; plug it in"):
            await bridge.files.upload("a.gcode", blocks(1), len(BLOCK))
        assert _puts(printer) == 0
    async with emulated("python") as printer, bridged(printer) as (bridge, host):
        await ready(host)
        with pytest.raises(CommandRejected, match="'sdcard' is not there"):
            await bridge.files.upload("sdcard/a.gcode", blocks(1), len(BLOCK))
        assert _puts(printer) == 0


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_a_printer_that_takes_no_more_bytes_ends_the_upload(flavour: str) -> None:
    pace = replace(QUICK, silence=0.4)
    async with emulated(flavour) as printer, bridged(printer, pace) as (bridge, host):
        await ready(host)
        stalled = printer.faults.stalled = asyncio.Event()
        with pytest.raises(NotConnected, match="takes no more bytes"):
            await bridge.files.upload("stuck.gcode", blocks(400), len(BLOCK) * 400)
        assert host.link is Link.ONLINE, "the polls went on"
        stalled.set()
        await until(lambda: printer.flavour.incoming is None)
        await bridge.files.upload("free.gcode", blocks(2), len(BLOCK) * 2)


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_a_slow_printer_may_take_as_long_as_it_wants(flavour: str) -> None:
    pace = replace(QUICK, silence=0.5)
    async with emulated(flavour) as printer, bridged(printer, pace) as (bridge, host):
        await ready(host)
        printer.flavour.inspection_delay = 0.05
        loop = asyncio.get_running_loop()
        began = loop.time()
        await bridge.files.upload("slow.gcode", blocks(60), len(BLOCK) * 60)
        assert loop.time() - began > 4 * pace.silence, "the test is too fast to tell"


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_print_after_upload_returns_when_it_prints(flavour: str) -> None:
    long = emulated(flavour, print_seconds=LONG)
    async with long as printer, bridged(printer) as (bridge, host):
        await ready(host)
        await bridge.files.upload("go.gcode", blocks(1), len(BLOCK), start=True)
        assert printer.machine.job is not None and printer.machine.job.file.name == "go.gcode"
        await until(lambda: host.last.job is not None and host.last.job.name == "go.gcode")
        puts = _puts(printer)
        with pytest.raises(CommandRejected, match="already running"):
            await bridge.files.upload("next.gcode", blocks(1), len(BLOCK), start=True)
        assert _puts(printer) == puts, "nothing was sent"
        await bridge.files.upload("next.gcode", blocks(1), len(BLOCK))  # only stored


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_a_start_that_does_not_happen_is_no_success(
    flavour: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("moonfleet.bridges.prusalink.files.START_TRIES", 2)
    async with emulated(flavour) as printer, bridged(printer) as (bridge, host):
        await ready(host)
        printer.machine.attention()  # a question at its screen, no job
        await until(lambda: host.last.stage == "attention")
        with pytest.raises(CommandRejected, match=r"(?i)can't print|not in state"):
            await bridge.files.upload("no.gcode", blocks(1), len(BLOCK), start=True)
        printer.machine.attention(False)
        printer.machine.start_print = lambda file: True  # type: ignore[method-assign]
        with pytest.raises(CommandRejected, match="stored, but the printer does not start"):
            await bridge.files.upload("no.gcode", blocks(1), len(BLOCK), start=True)
        assert host.last.state is PrintState.STANDBY
