# What printers tell of themselves without credentials: SSDP and the detect probe
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Parsing only. Everything here is a hint from the network; a certificate has to confirm it."""

from __future__ import annotations

import ipaddress
import json
import re
from dataclasses import dataclass
from typing import Any, Optional

from .models import model_from_name
from .values import text

SSDP_TYPE = "urn:bambulab-com:device:3dprinter:1"
MAX_DATAGRAM = 4096
MAX_FRAME = 8192
_HEAD, _TAIL = b"\xa5\xa5", b"\xa7\xa7"
_SERIAL = re.compile(r"^[0-9A-Z]{8,32}$")


@dataclass(frozen=True)
class Found:
    """A printer in the network. ``lan`` None: it did not say."""

    host: str
    serial: str
    model: Optional[str] = None
    name: Optional[str] = None
    firmware: Optional[str] = None
    lan: Optional[bool] = None


def _found(host: str, serial: Any, values: dict[str, Any]) -> Optional[Found]:
    number = (text(serial) or "").upper()
    if not _SERIAL.match(number):
        return None
    connect = text(values.get("connect"))
    return Found(
        host=host,
        serial=number,
        model=model_from_name(text(values.get("model")) or ""),
        name=text(values.get("name")) or None,
        firmware=text(values.get("version")) or None,
        lan=None if connect is None else connect == "lan",
    )


def parse_ssdp(datagram: bytes, sender: str) -> Optional[Found]:
    """A NOTIFY or an answer to a search; anything else is None."""
    lines = datagram[:MAX_DATAGRAM].decode("utf-8", "replace").split("\r\n")
    headers: dict[str, str] = {}
    for line in lines[1:64]:
        key, colon, value = line.partition(":")
        if colon:
            headers[key.strip().lower()] = value.strip()
    if SSDP_TYPE not in (headers.get("nt"), headers.get("st")):
        return None
    try:
        host = str(ipaddress.ip_address(headers.get("location", "")))
    except ValueError:
        host = sender
    return _found(
        host,
        headers.get("usn"),
        {
            key: headers.get(f"dev{key}.bambu.com")
            for key in ("model", "name", "version", "connect")
        },
    )


def detect_request() -> bytes:
    body = json.dumps({"login": {"command": "detect", "sequence_id": "20000"}}).encode()
    return _HEAD + (len(body) + 6).to_bytes(2, "little") + body + _TAIL


def frame_length(head: bytes) -> Optional[int]:
    """Length of the whole frame from its first four bytes, or None if it is no frame."""
    if len(head) < 4 or head[:2] != _HEAD:
        return None
    length = int.from_bytes(head[2:4], "little")
    return length if 8 <= length <= MAX_FRAME else None


def parse_detect(frame: bytes, host: str) -> Optional[Found]:
    if frame_length(frame) != len(frame) or not frame.endswith(_TAIL):
        return None
    try:
        document = json.loads(frame[4:-2].decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    login = document.get("login") if type(document) is dict else None
    return _found(host, login.get("id"), login) if type(login) is dict else None
