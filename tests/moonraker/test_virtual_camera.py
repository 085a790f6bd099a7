# A printer's camera through its virtual Moonraker
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""An emulated P1S sends pictures; they arrive as a webcam's stream and snapshot."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import urllib.request
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.emulators.bambu import EmulatedBambu

from .real import BASE, Moonraker
from .test_virtual_access import api_key, request

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
HERE = "/websocket/moonfleet/p1s"


@contextlib.asynccontextmanager
async def camera_house(folder: pathlib.Path, **more: Any) -> AsyncIterator[Moonraker]:
    async with EmulatedBambu(model="P1S", access_code="12345678") as printer:
        assert printer.camera is not None
        authority = folder / "ca.pem"
        printer.write_ca(authority)
        config = CONFIG.format(
            port=printer.port, serial=printer.serial, ca=authority, camera=printer.camera.port
        )
        secrets = {"printers": {"code": "12345678"}}
        moonraker = Moonraker(folder / "data", config, secrets=secrets, **more)
        await asyncio.to_thread(moonraker.start)
        try:
            yield moonraker
        finally:
            await asyncio.to_thread(moonraker.stop)


async def test_pictures_arrive(tmp_path: pathlib.Path) -> None:
    async with camera_house(tmp_path) as moonraker:
        await asyncio.to_thread(look, moonraker)


async def test_an_image_needs_no_login_where_everybody_must_log_in(tmp_path: pathlib.Path) -> None:
    forced = BASE.replace("[authorization]", "[authorization]\nforce_logins: True")
    async with camera_house(tmp_path, base=forced) as moonraker:
        await asyncio.to_thread(look_signed, moonraker)


def look_signed(moonraker: Moonraker) -> None:
    key = api_key(moonraker)
    user = {"username": "anna", "password": "correct horse"}
    made, _, _ = request(moonraker, "POST", "/access/user", user, X_Api_Key=key)
    assert made == 200
    assert request(moonraker, "GET", f"{HERE}/server/webcams/list")[0] == 401

    def listed() -> Any:
        _, _, body = request(moonraker, "GET", f"{HERE}/server/webcams/list", X_Api_Key=key)
        return body["result"]["webcams"]

    (camera,) = moonraker.until(listed, "the camera to be known")
    signed = camera["snapshot_url"]
    assert key not in str(camera) and "12345678" not in str(camera)
    with urllib.request.urlopen(moonraker.url + signed, timeout=60) as reply:
        assert reply.read().startswith(b"\xff\xd8")
    with urllib.request.urlopen(moonraker.url + camera["stream_url"], timeout=60) as reply:
        assert reply.readline() == b"--moonfleet\r\n"
    # the address opens this camera and nothing else, and only as it was signed
    path, _, query = signed.partition("?")
    refused = (path, signed[:-1], f"{path}?{query.replace('expires=', 'expires=9')}")
    for address in (*refused, f"{HERE}/server/info?{query}", f"/server/info?{query}"):
        assert request(moonraker, "GET", address)[0] == 401, address
    assert request(moonraker, "GET", signed.replace("p1s", "other"))[0] == 401


def look(moonraker: Moonraker) -> None:
    def listed() -> Any:
        return moonraker.http(f"{HERE}/server/webcams/list")["webcams"]

    (camera,) = moonraker.until(listed, "the camera to be known")
    assert camera["service"] == "mjpegstreamer" and camera["uid"]
    one = moonraker.http(f"{HERE}/server/webcams/item", uid=camera["uid"])
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
