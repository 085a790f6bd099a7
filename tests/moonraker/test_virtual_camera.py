# A printer's camera through its virtual Moonraker
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""An emulated P1S sends pictures; they arrive as a webcam's stream and snapshot."""

from __future__ import annotations

import asyncio
import pathlib
import urllib.request
from typing import Any

import pytest

from tests.emulators.bambu import EmulatedBambu

from .real import Moonraker

pytestmark = pytest.mark.moonraker
CONFIG = """
[moonfleet p1s]
type: bambu
host: 127.0.0.1
port: {port}
serial: {serial}
access_code: {{secrets.printers.code}}
tls: verify
ca_file: {ca}
camera_port: {camera}
"""
BASE = "/websocket/moonfleet/p1s"


async def test_pictures_arrive(tmp_path: pathlib.Path) -> None:
    async with EmulatedBambu(model="P1S", access_code="12345678") as printer:
        assert printer.camera is not None
        authority = tmp_path / "ca.pem"
        printer.write_ca(authority)
        config = CONFIG.format(
            port=printer.port, serial=printer.serial, ca=authority, camera=printer.camera.port
        )
        moonraker = Moonraker(tmp_path / "data", config, secrets={"printers": {"code": "12345678"}})
        await asyncio.to_thread(moonraker.start)
        try:
            await asyncio.to_thread(look, moonraker)
        finally:
            await asyncio.to_thread(moonraker.stop)


def look(moonraker: Moonraker) -> None:
    def listed() -> Any:
        return moonraker.http(f"{BASE}/server/webcams/list")["webcams"]

    (camera,) = moonraker.until(listed, "the camera to be known")
    assert camera["service"] == "mjpegstreamer" and camera["uid"]
    one = moonraker.http(f"{BASE}/server/webcams/item", uid=camera["uid"])
    assert one["webcam"] == camera
    with urllib.request.urlopen(moonraker.url + camera["snapshot_url"], timeout=60) as reply:
        picture = reply.read()
        assert reply.headers["Content-Type"] == "image/jpeg"
    assert picture.startswith(b"\xff\xd8") and picture.endswith(b"\xff\xd9")
    with urllib.request.urlopen(moonraker.url + camera["stream_url"], timeout=60) as reply:
        assert reply.headers["Content-Type"].startswith("multipart/x-mixed-replace")
        for _ in range(2):
            assert reply.readline() == b"--moonfleet\r\n"
            assert reply.readline() == b"Content-Type: image/jpeg\r\n"
            size = int(reply.readline().split(b":")[1])
            assert reply.readline() == b"\r\n"
            assert reply.read(size).startswith(b"\xff\xd8")
            assert reply.readline() == b"\r\n"
    assert moonraker.fails("/websocket/moonfleet/nobody/camera/snapshot")[0] == 404
