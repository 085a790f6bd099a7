# What is asked of a PrusaLink and how it says no
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Commands -> HTTP requests, refusals -> one sentence; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional
from urllib.parse import quote, unquote

from ...core.commands import Action, Command
from ...core.errors import CommandRejected, NotSupported
from .protocol.identity import Flavour

LONGEST_URL = 168  # bytes of the encoded target that Buddy accepts
STORAGES = ("usb", "local", "sdcard")
ACTIONS = frozenset(
    {
        Action.PAUSE,
        Action.RESUME,
        Action.CANCEL,
        Action.START,
    }
)


@dataclass(frozen=True)
class Request:
    method: str
    path: str


def actions_of(flavour: Optional[Flavour]) -> frozenset[Action]:
    """A Buddy has no *set ready*, and what is not known to be there is not offered."""
    return ACTIONS | {Action.SET_READY} if flavour is Flavour.PYTHON else ACTIONS


def request_for(command: Command, job_id: Optional[int], flavour: Optional[Flavour]) -> Request:
    """Raises ``CommandRejected`` or ``NotSupported`` when there is nothing to send."""
    action = command.action
    if action in (Action.PAUSE, Action.RESUME, Action.CANCEL):
        if job_id is None:
            raise CommandRejected("the printer has no job")
        if action is Action.CANCEL:
            return Request("DELETE", f"/api/v1/job/{job_id}")
        return Request("PUT", f"/api/v1/job/{job_id}/{action.value}")
    if action is Action.START:
        return Request("POST", file_path(str(command.params.get("filename") or ""), flavour))
    if action is Action.SET_READY:
        if flavour is not Flavour.PYTHON:
            raise NotSupported("this printer has no 'set ready' over PrusaLink, only on its screen")
        return Request("POST", "/api/printer/ready")
    raise NotSupported(f"PrusaLink has no '{action.value}'")


def file_path(filename: str, flavour: Optional[Flavour]) -> str:
    """``cube.gcode``, ``sub/cube.gcode`` or ``usb/cube.gcode`` -> the path in the API."""
    parts = [part for part in filename.split("/") if part]
    if not parts or any(part in (".", "..") for part in parts) or not filename.isprintable():
        raise CommandRejected(f"'{filename[:60]}' is no file name")
    if parts[0] not in STORAGES or len(parts) == 1:
        parts.insert(0, "local" if flavour is Flavour.PYTHON else "usb")
    return api_path("/".join(parts), flavour)


def api_path(place: str, flavour: Optional[Flavour]) -> str:
    """``usb/some name`` -> ``/api/v1/files/usb/some%20name``."""
    path = "/api/v1/files/" + quote(place, safe="/")
    if flavour is not Flavour.PYTHON and len(path) > LONGEST_URL:
        raise CommandRejected(
            f"'{unquote(place)[:60]}' is too long for the printer: its server takes "
            f"{LONGEST_URL} characters, and each letter outside ASCII counts as six or more"
        )
    return path
