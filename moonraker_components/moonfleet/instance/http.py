# HTTP twins: a verb and a path -> the JSON-RPC method and its parameters
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Pure; the rules are Moonraker's: dots for slashes, a verb where several are possible, type hints
in the query (``?n:int=5``), a JSON body laid over it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Optional

from .jsonrpc import RpcError, not_found

VERBS = {"GET": "get", "POST": "post", "DELETE": "delete"}
NOT_PARAMETERS = frozenset({"_", "token", "access_token", "connection_id"})
OBJECT_METHODS = frozenset({"printer.objects.query", "printer.objects.subscribe"})
#: change something: never by a GET, which any page can make a browser send
ACTIONS = frozenset(
    {
        "printer.gcode.script",
        "printer.print.start",
        "printer.print.pause",
        "printer.print.resume",
        "printer.print.cancel",
        "printer.emergency_stop",
        "printer.restart",
        "printer.firmware_restart",
        "server.files.upload",
        "server.files.move",
        "server.files.copy",
        "server.files.zip",
        "server.files.metascan",
        "server.history.reset_totals",
    }
)


def method_of(verb: str, path: str, known: Iterable[str]) -> str:
    """``GET server/database/item`` -> ``server.database.get_item``; 405 for a wrong verb."""
    names = set(known)
    parts = path.strip("/").split("/")
    plain = ".".join(parts)
    if verb not in VERBS:
        raise RpcError(405, "Method Not Allowed")
    with_verb = ".".join([*parts[:-1], f"{VERBS[verb]}_{parts[-1]}"])
    if with_verb in names:
        return with_verb
    if any(".".join([*parts[:-1], f"{word}_{parts[-1]}"]) in names for word in VERBS.values()):
        raise RpcError(405, "Method Not Allowed")
    if verb == "DELETE" or (verb == "GET" and plain in ACTIONS):
        raise RpcError(405, "Method Not Allowed")
    return plain


def parameters(
    method: str, query: Mapping[str, str], body: bytes, content_type: str
) -> dict[str, Any]:
    """Query and JSON body as one mapping."""
    if method in OBJECT_METHODS:
        objects = {
            key: value.split(",") if value else None
            for key, value in query.items()
            if key not in NOT_PARAMETERS
        }
        values: dict[str, Any] = {"objects": objects} if objects else {}
    else:
        values = {}
        for key, value in query.items():
            if key not in NOT_PARAMETERS:
                name, _, hint = key.partition(":")
                values[name] = _hinted(value, hint)
    if body and content_type.strip().lower().startswith("application/json"):
        try:
            decoded = json.loads(body)
        except (ValueError, RecursionError):
            raise RpcError(400, "The request body is not valid JSON") from None
        if isinstance(decoded, dict):
            values.update(decoded)
    return values


def _hinted(value: str, hint: str) -> Any:
    try:
        if hint == "int":
            return int(value)
        if hint == "float":
            return float(value)
        if hint == "bool":
            return value.lower() == "true"
        if hint == "json":
            return json.loads(value)
    except (ValueError, RecursionError):
        return value
    return value


def file_refusal(verb: str, path: str, printer: str) -> Optional[RpcError]:
    """Files are not served through a virtual printer; None when the path is no file."""
    parts = path.strip("/").split("/")
    if parts[:2] != ["server", "files"] or len(parts) < 4:
        return None
    if verb == "DELETE":
        return RpcError(501, f"The files of {printer} are managed on the printer itself")
    return not_found("File not found")
