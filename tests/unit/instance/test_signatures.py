# Signed camera addresses
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""What opens a camera, for how long, and what does not."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest
from moonfleet.core.errors import NotConnected
from moonfleet.instance.signatures import STEP, Signer

from .house import House


class Clock:
    now = 100000.0

    def __call__(self) -> float:
        return self.now


def proof(signer: Signer, name: str = "x1c") -> list[str]:
    query = parse_qs(signer.query(name))
    return [query["expires"][0], query["signature"][0]]


def test_an_address_opens_its_printer_for_a_while() -> None:
    clock = Clock()
    signer = Signer(clock)
    signed = proof(signer)
    assert signer.valid("x1c", *signed)
    clock.now += STEP
    assert signer.valid("x1c", *signed)  # every address that is told lasts at least one step
    clock.now += STEP
    assert not signer.valid("x1c", *signed)
    assert signer.valid("x1c", *proof(signer))


def test_nothing_else_opens_it() -> None:
    signer = Signer(Clock())
    expires, signature = proof(signer)
    later = str(int(expires) + STEP)
    assert not signer.valid("mk4", expires, signature)
    assert not signer.valid("x1c", later, signature)
    assert not signer.valid("x1c", expires, signature[:-1])
    assert not Signer(Clock()).valid("x1c", expires, signature)  # the key of another process


@pytest.mark.parametrize("expires", ["", "-1", "1e9", "9" * 400, "٣", "None", "12\x00", "0x10"])
@pytest.mark.parametrize("signature", ["", "ä", "\udcff", "0" * 64, "0" * 100000])
def test_rubbish_is_refused(expires: str, signature: str) -> None:
    assert not Signer(Clock()).valid("x1c", expires, signature)


class Camera:
    async def snapshot(self) -> bytes:
        raise NotConnected("not tried")


async def test_interfaces_hear_of_a_camera_and_of_its_next_address() -> None:
    clock = Clock()
    house = await House().start()
    house.virtual.signer = Signer(clock)
    house.virtual.tick(b"{}")
    assert house.sink.messages("notify_webcams_changed") == []
    house.bridge.camera = Camera()  # type: ignore[assignment]
    for _ in range(3):
        house.virtual.tick(b"{}")
    clock.now += STEP
    house.virtual.tick(b"{}")
    first, second = house.sink.messages("notify_webcams_changed")
    assert len(first["params"][0]["webcams"]) == 1
    assert first["params"] != second["params"]
    listed = await house.result("server.webcams.list")
    assert listed == second["params"][0]
    await house.stop()
