# What a printer tells beside the snapshot, and what of it may be seen
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Door, storage, Wi-Fi, firmware offers and the camera, for the support bundle."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import World
from .helpers import until
from .talk import Talk

SILENT = dict.fromkeys(
    ("wifi_dbm", "storage", "door", "update_available", "camera", "liveview"), None
)


def details(model: str | None = None, **body: Any) -> dict[str, Any]:
    talk = Talk(model)
    talk.full(**body)
    return talk.reports.details()


def test_a_silent_printer_tells_nothing() -> None:
    assert details() == SILENT


@pytest.mark.parametrize(
    ("signal", "told"),
    [("-45dBm", -45), ("-90dBm", None), ("45", None), (-45, None), ("dBm", None), (None, None)],
)
def test_wifi(signal: Any, told: int | None) -> None:
    """-90 stands there when the printer hangs on a cable."""
    assert details(wifi_signal=signal)["wifi_dbm"] == told


@pytest.mark.parametrize(
    ("card", "told"),
    [
        (True, "ok"),
        (False, "missing"),
        ("HAS_SDCARD_NORMAL", "ok"),
        ("HAS_SDCARD_ABNORMAL", "fault"),
        ("NO_SDCARD", "missing"),
        (3, None),
        ([], None),
    ],
)
def test_storage(card: Any, told: str | None) -> None:
    assert details(sdcard=card)["storage"] == told


def test_a_card_that_is_there_but_broken() -> None:
    assert details(sdcard=True, home_flag=1 << 8)["storage"] == "ok"
    assert details(sdcard=True, home_flag=1 << 8 | 1 << 9)["storage"] == "fault"
    assert details(sdcard=True, home_flag=-(1 << 31) | 1 << 9)["storage"] == "fault"


def test_the_door_stands_in_the_flags_that_the_model_uses() -> None:
    assert details("P2S", stat=hex(1 << 23)[2:])["door"] == "open"
    assert details("H2D", stat="46258008")["door"] == "closed"
    # the same bit of the older flags is the door of an X1 and nothing of the sort on a P1
    assert details("X1 Carbon", home_flag=1 << 23)["door"] == "open"
    assert details("X1E", home_flag=0)["door"] == "closed"
    assert details("P1S", home_flag=1 << 23)["door"] is None
    assert details("P2S", stat="zebra")["door"] is None


@pytest.mark.parametrize(("state", "told"), [(1, True), (2, False), (0, None), ("x", None)])
def test_an_update_is_offered(state: Any, told: bool | None) -> None:
    offer = {"new_version_state": state, "status": "IDLE", "progress": "0"}
    assert details(upgrade_state=offer)["update_available"] is told


def test_the_camera_and_its_switch_but_never_its_address() -> None:
    url = "rtsps://bblp:12345678@192.168.1.40/streaming/live/1"
    told = details("X1 Carbon", ipcam={"rtsp_url": url})
    assert (told["camera"], told["liveview"]) == ("rtsps", True)
    assert details("X1 Carbon", ipcam={"rtsp_url": "disable"})["liveview"] is False
    assert details("A1", ipcam={"ipcam_dev": "1"})["camera"] == "jpeg"
    talk = Talk("X1 Carbon")
    talk.full(ipcam={"rtsp_url": url})
    assert "12345678" not in repr(talk.reports.facts)


def test_details_follow_the_deltas() -> None:
    talk = Talk("P2S")
    talk.full(wifi_signal="-45dBm", stat="0", sdcard=True)
    first = talk.reports.snapshot
    talk.delta(wifi_signal="-60dBm", stat=hex(1 << 23)[2:])
    told = talk.reports.details()
    assert (told["wifi_dbm"], told["door"], told["storage"]) == (-60, "open", "ok")
    assert talk.reports.snapshot is first  # no change of the printer's state


@pytest.mark.parametrize("model", ["A1", "X1C", "P2S", "H2D"])
async def test_the_support_bundle_of_a_running_bridge(world: World, model: str) -> None:
    printer = await world.printer(model)
    bridge, host = await world.bridge(printer)
    await until(lambda: host.snapshot.firmware)
    told = bridge.debug()
    assert told["model"] == host.snapshot.model
    assert told["serial_tail"] == printer.serial[-4:]
    assert told["tls"] == "pin"
    facts = told["details"]
    assert facts["storage"] == "ok" and facts["wifi_dbm"] < 0
    assert facts["camera"] == ("jpeg" if model == "A1" else "rtsps")
    assert facts["door"] == (None if model == "A1" else "closed")
    assert printer.serial not in repr(told) and printer.access_code not in repr(told)
