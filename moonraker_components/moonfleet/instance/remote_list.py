# The printers as entries of Mainsail's own list of printers
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Pure. Mainsail keeps its list in its database namespace; an entry has no "same host", so the host
name must come from the browser that will use it. What a person entered is never overwritten."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from .jsonrpc import Params, bad_params

NAMESPACE = "mainsail"
KEY = ("remoteprinters", "printers")
_IDS = uuid.UUID("5b0c7a86-3d0e-4c0c-9a0e-6f3f0b7c2d11")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?\Z|\[[0-9A-Fa-f:]{2,45}\]\Z")


def entry_id(name: str) -> str:
    """The same for ever: by it our own entries are known again."""
    return str(uuid.uuid5(_IDS, name))


def wanted(params: Params, names: Iterable[str], base: str) -> dict[str, dict[str, Any]]:
    """``{id: entry}`` of every printer, for a browser that says where it reaches this host."""
    hostname = params.text("hostname")
    if not _HOST.match(hostname):
        raise bad_params("parameter 'hostname' must be the host name that the browser uses")
    port = params.integer("port", 80, 1, 65535)
    return {
        entry_id(name): {
            "hostname": hostname,
            "port": port,
            "path": f"{base}/{name}",
            "settings": {},
        }
        for name in names
    }


def additions(existing: Any, entries: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What is not there yet, neither as ours nor entered by a person."""
    known = existing if isinstance(existing, dict) else {}
    places = {_place(entry) for entry in known.values() if isinstance(entry, dict)}
    return {
        key: dict(entry)
        for key, entry in entries.items()
        if key not in known and _place(entry) not in places
    }


def ours(existing: Any, names: Iterable[str], base: str) -> list[str]:
    """The ids of our entries that still point to us."""
    known = existing if isinstance(existing, dict) else {}
    found = []
    for name in names:
        entry = known.get(entry_id(name))
        if isinstance(entry, dict) and _path(entry) == f"{base}/{name}".strip("/"):
            found.append(entry_id(name))
    return found


def _place(entry: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(entry.get("hostname")).lower(), str(entry.get("port")), _path(entry)


def _path(entry: Mapping[str, Any]) -> str:
    return str(entry.get("path") or "").strip("/")
