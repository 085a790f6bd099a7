# What a printer tells beside the snapshot: door, storage, Wi-Fi, update, camera
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Facts for the support bundle and the camera; None where the printer is silent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from .models import JPEG_CAMERA
from .values import hexadecimal, integer, text

_DOOR_BIT = 23
_SD_BAD_BIT = 9
_DOOR_IN_HOME_FLAG = frozenset({"X1", "X1 Carbon", "X1E"})
_WIRED = -90  # what stands in place of a signal strength


def wifi(value: Any) -> Optional[int]:
    """``"-45dBm"`` -> -45; None for a wired printer."""
    raw = text(value)
    if raw is None or not raw.endswith("dBm"):
        return None
    return integer(raw[:-3])


def storage(value: Any) -> Optional[str]:
    if type(value) is bool:
        return "ok" if value else "missing"
    raw = text(value)
    if raw is None:
        return None
    if "ABNORMAL" in raw:
        return "fault"
    return "ok" if raw.startswith("HAS_") else "missing"


def home_flag(value: Any) -> Optional[int]:
    whole = integer(value)
    return None if whole is None else whole & 0xFFFFFFFF


def stat(value: Any) -> Optional[int]:
    return hexadecimal(value)


def update(value: Any) -> Optional[bool]:
    """Whether a newer firmware is offered."""
    state = integer(value.get("new_version_state")) if type(value) is dict else None
    return None if state is None or state == 0 else state == 1


def liveview(value: Any) -> Optional[bool]:
    """Whether the RTSPS stream is switched on; the address itself is never kept."""
    url = value.get("rtsp_url") if type(value) is dict else None
    return None if type(url) is not str else url not in ("", "disable")


def details(facts: Mapping[str, Any], model: Optional[str]) -> dict[str, Any]:
    signal: Optional[int] = facts.get("wifi_signal")
    flag: Optional[int] = facts.get("home_flag")
    stored: Optional[str] = facts.get("sdcard")
    if stored == "ok" and flag is not None and flag >> _SD_BAD_BIT & 1:
        stored = "fault"
    return {
        "wifi_dbm": None if signal == _WIRED else signal,
        "storage": stored,
        "door": _door(facts, model),
        "update_available": facts.get("upgrade_state"),
        "camera": camera_kind(model, facts),
        "liveview": facts.get("ipcam"),
    }


def _door(facts: Mapping[str, Any], model: Optional[str]) -> Optional[str]:
    bits: Optional[int] = facts.get("stat")
    if bits is None and model in _DOOR_IN_HOME_FLAG:
        bits = facts.get("home_flag")
    if bits is None:
        return None
    return "open" if bits >> _DOOR_BIT & 1 else "closed"


def camera_kind(model: Optional[str], facts: Mapping[str, Any]) -> Optional[str]:
    if model in JPEG_CAMERA:
        return "jpeg"
    if facts.get("ipcam") is not None or model is not None:
        return "rtsps"
    return None
