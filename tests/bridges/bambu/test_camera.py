# The JPEG camera through the bridge
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""One connection for all viewers, none for nobody."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from moonfleet.bridges.bambu import camera as camera_module
from moonfleet.bridges.base import Link
from moonfleet.core.errors import NotConnected

from tests.emulators.bambu import Faults
from tests.emulators.bambu.camera_server import PICTURE

from .conftest import World
from .helpers import RecordingHost, make_bridge, until


async def looking(world: World, **options: Any) -> Any:
    printer = await world.printer("A1 mini", **options)
    bridge, host = await world.bridge(printer)
    await until(lambda: host.link is Link.ONLINE and host.snapshot.model)
    assert bridge.camera is not None
    return printer, bridge


async def test_many_viewers_one_connection(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_module, "LINGER", 0.1)
    printer, bridge = await looking(world)

    async def view(count: int) -> list[bytes]:
        found: list[bytes] = []
        pictures = bridge.camera.pictures()
        async for picture in pictures:
            found.append(picture)
            if len(found) == count:
                break
        await pictures.aclose()
        return found

    seen = await asyncio.gather(*(view(n) for n in (3, 5, 8)))
    assert [len(pictures) for pictures in seen] == [3, 5, 8]
    assert {picture for pictures in seen for picture in pictures} == {PICTURE}
    assert printer.camera.connections == 1
    await until(lambda: printer.camera.viewers == 0)  # nobody looks any more
    assert await bridge.camera.snapshot() == PICTURE
    assert printer.camera.connections == 2


async def test_stopping_the_bridge_closes_the_camera(world: World) -> None:
    printer, bridge = await looking(world)
    assert await bridge.camera.snapshot() == PICTURE
    assert printer.camera.viewers == 1  # it lingers for a page that reloads
    await bridge.stop()
    await until(lambda: printer.camera.viewers == 0)


async def test_models_with_rtsps_have_no_jpeg_camera(world: World) -> None:
    bridge, host = await world.bridge(await world.printer("X1C"))
    await until(lambda: host.snapshot.model)
    assert bridge.camera is None


async def test_wrong_code_is_told(world: World) -> None:
    printer, bridge = await looking(world)
    printer.camera.access_code = "changed0"
    with pytest.raises(NotConnected, match="access code"):
        await bridge.camera.snapshot()


async def test_the_code_is_not_shown_to_a_stranger(world: World) -> None:
    other = await world.printer("A1 mini", faults=Faults(foreign=True))
    bridge = make_bridge(other, RecordingHost(), serial="03000A000000001")
    with pytest.raises(NotConnected, match="another device"):
        await bridge._jpeg_camera.snapshot()
    await bridge._jpeg_camera.stop()
    assert other.camera is not None and other.camera.viewers == 0


@pytest.mark.parametrize("fault", ["huge", "junk"])
async def test_frames_that_are_no_pictures(
    world: World, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera_module, "PICTURE_TIMEOUT", 1.0)
    printer, bridge = await looking(world)
    setattr(printer.camera, fault, True)
    with pytest.raises(NotConnected, match="broke"):
        await bridge.camera.snapshot()
    setattr(printer.camera, fault, False)
    assert await bridge.camera.snapshot() == PICTURE


async def test_camera_gone(world: World) -> None:
    printer, bridge = await looking(world)
    await printer.camera.stop()
    with pytest.raises(NotConnected, match="closed"):
        await bridge.camera.snapshot()
