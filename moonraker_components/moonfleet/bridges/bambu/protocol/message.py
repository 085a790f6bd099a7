# Report bytes -> what kind of message it is
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Tells reports from answers; both wear the same envelope.

A message is untrusted: it may be huge, deep, not JSON, not UTF-8, or lie about its types. Anything
unusable yields an empty list.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple, Optional, Union

from .values import integer, text

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 24
# Fewer brackets than this cannot nest deep enough to hurt, and no nesting is ever kept; only a
# message with more pays for a walk.
MANY_BRACKETS = 600
# A report without `msg` is taken for a full one from this many keys on (old X1 firmware).
FULL_REPORT_KEYS = 40
MAX_GROUPS = 8

_decoder = json.JSONDecoder(parse_constant=lambda _: None)  # NaN and Infinity are "not said"


class Report(NamedTuple):
    """State of the printer. ``full`` replaces everything known, otherwise it is merged."""

    body: dict[str, Any]
    full: bool


class Version(NamedTuple):
    """Answer to ``get_version``: the list of modules, unchecked."""

    modules: list[Any]


class Answer(NamedTuple):
    """The printer's reply to a command, ours or somebody else's."""

    group: str
    command: Optional[str]
    sequence_id: Optional[str]
    success: bool
    reason: Optional[str]
    error: Optional[int]


Message = Union[Report, Version, Answer]


def _too_deep(value: Any, left: int) -> bool:
    if left == 0:
        return True
    for child in value.values() if type(value) is dict else value:
        kind = type(child)
        if (kind is dict or kind is list) and _too_deep(child, left - 1):
            return True
    return False


def parse(payload: bytes) -> list[Message]:
    """What ``payload`` says; never raises."""
    if len(payload) > MAX_BYTES:
        return []
    try:
        # Some firmware sends bytes that are not UTF-8, and a trailing NUL.
        document = _decoder.decode(payload.decode("utf-8", "replace").rstrip("\0"))
    except (ValueError, RecursionError):
        return []
    if type(document) is not dict:
        return []
    if payload.count(b"{") + payload.count(b"[") > MANY_BRACKETS and _too_deep(document, MAX_DEPTH):
        return []
    messages: list[Message] = []
    for group, body in document.items():
        if type(body) is dict and len(messages) < MAX_GROUPS:
            message = _classify(group, body)
            if message is not None:
                messages.append(message)
    return messages


def _classify(group: str, body: dict[str, Any]) -> Optional[Message]:
    command = body.get("command")
    if group == "print" and "result" not in body and command in ("push_status", None):
        kind = body.get("msg")
        return Report(body, kind == 0 if kind is not None else len(body) >= FULL_REPORT_KEYS)
    if group == "info" and command == "get_version":
        modules = body.get("module")
        return Version(modules) if type(modules) is list else None
    if "result" in body:
        return _answer(group, body)
    return None


def _answer(group: str, body: dict[str, Any]) -> Answer:
    result = body.get("result")
    sequence = body.get("sequence_id")
    return Answer(
        group=group[:32],
        command=text(body.get("command")),
        sequence_id=str(sequence)[:32] if type(sequence) in (str, int) else None,
        success=type(result) is str and result.lower() in ("success", "ok"),
        reason=text(body.get("reason")) or None,
        error=integer(body.get("err_code")),
    )
