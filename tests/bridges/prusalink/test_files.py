# The printer's storage through the bridge
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Uploads are streamed, signed ahead, and checked on the printer."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Callable

import pytest
from moonfleet.bridges.base import Link
from moonfleet.bridges.prusalink.bridge import PrusaLinkBridge
from moonfleet.bridges.prusalink.protocol.listing import parse_entry
from moonfleet.core.errors import CommandRejected, NotConnected
from moonfleet.core.model import PrintState

from tests.emulators.prusalink import EmulatedPrusaLink

from .stage import Host, bridged, emulated, until

FLAVOURS = ("buddy", "python")
BLOCK = b"G1 X1 Y1 E0.1\n" * 4096


def blocks(count: int) -> Callable[[], AsyncIterator[bytes]]:
    async def source() -> AsyncIterator[bytes]:
        for _ in range(count):
            yield BLOCK

    return source


async def ready(host: Host) -> None:
    await until(lambda: host.link is Link.ONLINE)


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_an_upload_arrives_whole_and_tells_its_progress(flavour: str) -> None:
    async with emulated(flavour) as printer, bridged(printer) as (bridge, host):
        await ready(host)
        told: list[int] = []
        size = len(BLOCK) * 20
        await bridge.files.upload("new part ä.gcode", blocks(20), size, progress=told.append)
        stored = printer.file("new part ä.gcode")
        assert stored.size == size
        assert stored.digest == hashlib.sha256(BLOCK * 20).hexdigest()
        assert told == [len(BLOCK) * n for n in range(1, 21)]
        assert host.last.state is PrintState.STANDBY


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_polls_go_on_beside_an_upload(flavour: str) -> None:
    async with emulated(flavour) as printer, bridged(printer) as (bridge, host):
        await ready(host)
        held = printer.faults.stalled = asyncio.Event()
        before = len(host.snapshots)
        upload = asyncio.ensure_future(
            bridge.files.upload("big.gcode", blocks(60), len(BLOCK) * 60)
        )
        await until(lambda: printer.flavour.incoming is not None)
        await until(lambda: len(host.snapshots) > before + 5)
        assert not upload.done()
        with pytest.raises(CommandRejected, match="another upload"):
            await bridge.files.upload("other.gcode", blocks(1), len(BLOCK))
        with pytest.raises(CommandRejected, match="another upload"):
            await _whole(bridge, "cube.gcode")
        held.set()
        await upload
        assert printer.stats.peak_active == 1, "one request besides the upload"
        assert printer.stats.peak_connections <= 2


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_a_dead_nonce_costs_a_second_stream_not_the_upload(flavour: str) -> None:
    async with emulated(flavour) as printer, bridged(printer) as (bridge, host):
        await ready(host)
        opened = 0
        real = printer.auth.check

        def once(request):  # type: ignore[no-untyped-def]
            if request.method == "PUT" and opened == 1:
                printer.auth.reboot()  # every nonce of before is dead
            return real(request)

        printer.auth.check = once  # type: ignore[method-assign]

        def source() -> AsyncIterator[bytes]:
            nonlocal opened
            opened += 1
            return blocks(2)()

        await bridge.files.upload("again.gcode", source, len(BLOCK) * 2)
        assert opened == 2 and printer.file("again.gcode").size == len(BLOCK) * 2


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_each_stream_is_signed_ahead_of_its_first_byte(flavour: str) -> None:
    async with emulated(flavour) as printer, bridged(printer) as (bridge, host):
        await ready(host)
        printer.auth.reboot()  # the nonce of before is worth nothing
        await bridge.files.upload("signed.gcode", blocks(1), len(BLOCK))
        asked = [(method, status) for _, method, _, status in printer.stats.requests]
        assert asked.count(("PUT", 201)) == 1 and ("PUT", 401) not in asked


async def test_a_file_that_shows_up_late_is_waited_for() -> None:
    async with emulated("python") as printer, bridged(printer) as (bridge, host):
        await ready(host)
        printer.faults.late_files = 0.3
        await bridge.files.upload("late.gcode", blocks(1), len(BLOCK))
        assert printer.file("late.gcode").size == len(BLOCK)


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_what_is_there_already(flavour: str) -> None:
    async with emulated(flavour) as printer, bridged(printer) as (bridge, host):
        await ready(host)
        with pytest.raises(CommandRejected, match="already"):
            await bridge.files.upload("cube.gcode", blocks(1), len(BLOCK), overwrite=False)
        await bridge.files.upload("cube.gcode", blocks(1), len(BLOCK))
        assert printer.file("cube.gcode").size == len(BLOCK)


async def test_what_a_printer_cannot_print_is_not_sent() -> None:
    for flavour, name in (("buddy", "part.stl"), ("python", "part.bgcode")):
        async with emulated(flavour) as printer, bridged(printer) as (bridge, host):
            await ready(host)
            with pytest.raises(CommandRejected, match="files only"):
                await bridge.files.upload(name, blocks(1), len(BLOCK))
            with pytest.raises(CommandRejected, match="empty"):
                await bridge.files.upload("empty.gcode", blocks(0), 0)
            assert all(method != "PUT" for _, method, _, _ in printer.stats.requests)


async def test_a_name_too_long_for_the_small_server() -> None:
    async with emulated("buddy") as printer, bridged(printer) as (bridge, host):
        await ready(host)
        with pytest.raises(CommandRejected, match="too long"):
            await bridge.files.upload("ü" * 40 + ".gcode", blocks(1), len(BLOCK))
        await bridge.files.upload("u" * 90 + ".gcode", blocks(1), len(BLOCK))


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_a_transfer_of_somebody_else_is_in_the_way(flavour: str) -> None:
    async with emulated(flavour, clients=2) as printer, bridged(printer) as (bridge, host):
        await ready(host)
        held = printer.faults.stalled = asyncio.Event()
        async with bridged(printer) as (other, other_host):
            await ready(other_host)
            first = asyncio.ensure_future(
                other.files.upload("first.gcode", blocks(60), len(BLOCK) * 60)
            )
            await until(lambda: printer.flavour.incoming is not None)
            with pytest.raises(CommandRejected, match="another transfer"):
                await bridge.files.upload("second.gcode", blocks(1), len(BLOCK))
            held.set()
            await first


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_an_upload_that_breaks_off(flavour: str) -> None:
    async with emulated(flavour) as printer, bridged(printer) as (bridge, host):
        await ready(host)
        printer.flavour.inspection_delay = 0.01
        upload = asyncio.ensure_future(
            bridge.files.upload("cut.gcode", blocks(200), len(BLOCK) * 200)
        )
        await until(lambda: printer.flavour.incoming is not None)
        await printer.unplug()
        with pytest.raises(NotConnected):
            await upload
        assert "cut.gcode" not in printer.storage.files


async def test_stopping_the_bridge_breaks_an_upload_off() -> None:
    async with emulated("buddy") as printer, bridged(printer) as (bridge, host):
        await ready(host)
        printer.flavour.inspection_delay = 0.01
        upload = asyncio.ensure_future(
            bridge.files.upload("cut.gcode", blocks(2000), len(BLOCK) * 2000)
        )
        await until(lambda: printer.flavour.incoming is not None)
        await bridge.stop()
        with pytest.raises(NotConnected):
            await upload


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_lists_folders_and_deletes(flavour: str) -> None:
    async with emulated(flavour) as printer, bridged(printer) as (bridge, host):
        await ready(host)
        files = bridge.files
        names = {entry.path: entry.folder for entry in await files.list()}
        assert names == {"Benchy_0.2mm_PLA.gcode": False, "cube.gcode": False, "parts": True}
        assert [entry.path for entry in await files.list("parts")] == ["parts/gear box.gcode"]
        await files.make_folder("new ones")
        assert "new ones" in {entry.path for entry in await files.list()}
        await files.upload("new ones/a.gcode", blocks(1), len(BLOCK))
        await files.delete("new ones/a.gcode")
        assert await files.list("new ones") == []
        with pytest.raises(CommandRejected, match="no folder"):
            await files.list("nowhere")
        with pytest.raises(CommandRejected):
            await files.delete("nothing.gcode")


async def _whole(bridge: PrusaLinkBridge, path: str) -> bytes:
    return b"".join([chunk async for chunk in bridge.files.download(path)])


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_downloads(flavour: str) -> None:
    async with emulated(flavour) as printer, bridged(printer) as (bridge, host):
        await ready(host)
        for name in ("cube.gcode", "parts/gear box.gcode"):
            assert await _whole(bridge, name) == printer.file(name).content
        with pytest.raises(CommandRejected, match="no file"):
            await _whole(bridge, "none.gcode")


def _images_asked(printer: EmulatedPrusaLink) -> int:
    return sum("thumb" in target for _, _, target, _ in printer.stats.requests)


async def test_what_the_python_server_read_out_of_a_file() -> None:
    async with emulated("python") as printer, bridged(printer) as (bridge, host):
        await ready(host)
        (plate,) = await bridge.files.plates("parts/gear box.gcode")
        assert (plate.weight, plate.materials) == (3.68, ("PLA",))
        assert plate.print_time == printer.machine.print_seconds
        with pytest.raises(CommandRejected):
            await bridge.files.plates("none.gcode")


async def test_a_buddy_is_not_asked_what_it_does_not_tell() -> None:
    async with emulated("buddy") as printer, bridged(printer) as (bridge, host):
        await ready(host)
        assert await bridge.files.plates("parts/gear box.gcode") == ()
        assert not any("gear" in target for _, _, target, _ in printer.stats.requests)


@pytest.mark.parametrize(
    ("meta", "weight"),
    [
        ({"filament used [g]": 0, "filament_type": "PLA"}, None),
        ({"filament used [g]": "3.1, 4.2", "filament_type": ["PLA"]}, "nothing"),
        ({"filament used [g]": float("inf"), "estimated_print_time": 60}, None),
        ({}, "nothing"),
        ([1], "nothing"),
        (None, "nothing"),
    ],
)
def test_meta_that_says_less_or_nonsense(meta, weight) -> None:
    entry = parse_entry({"name": "a.gcode", "meta": meta})
    assert entry is not None
    found = "nothing" if entry.sliced is None else entry.sliced.weight
    assert found == weight


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_thumbnails_are_fetched_once(flavour: str) -> None:
    async with emulated(flavour) as printer, bridged(printer) as (bridge, host):
        await ready(host)
        first = await bridge.files.thumbnail("parts/gear box.gcode")
        assert first is not None and first[0] == "image/png" and first[1].startswith(b"\x89PNG")
        assert await bridge.files.thumbnail("parts/gear box.gcode") == first
        assert _images_asked(printer) == 1
        assert await bridge.files.thumbnail("cube.gcode") is None
        printer.file("parts/gear box.gcode").modified += 5
        await bridge.files.thumbnail("parts/gear box.gcode")
        assert _images_asked(printer) >= 2
