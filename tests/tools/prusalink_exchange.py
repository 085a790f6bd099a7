# Recorded PrusaLink exchanges -> snapshot; the prusalink half of tests.tools.snapshot
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""A file is one exchange (``request``, ``response``), a list of them, a list of polls as a state
trace keeps them, or a bare answer. Whatever carries nothing of the printer leaves it silent.
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping
from typing import Any

from moonfleet.bridges.prusalink.protocol.memory import PrinterMemory
from moonfleet.core.model import PrinterSnapshot


def snapshot_of(path: pathlib.Path) -> PrinterSnapshot:
    """The state after the last exchange in the file; nonsense yields an all-null snapshot."""
    memory = PrinterMemory()
    for entry in _entries(path.read_bytes()):
        feed(memory, entry)
    return memory.snapshot()


def _entries(content: bytes) -> list[Any]:
    """One document, a list of them, or one per line."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        lines = content.decode("utf-8", "replace").splitlines()
        return [_decoded(line) for line in lines] if len(lines) > 1 else []
    return document if isinstance(document, list) else [document]


def feed(memory: PrinterMemory, entry: Any) -> None:
    if not isinstance(entry, Mapping):
        return
    response = entry.get("response")
    if not isinstance(response, Mapping):
        _guess(memory, _poll_as_status(entry))
        return
    if response.get("status", 200) != 200:
        return
    request = entry.get("request")
    known = request if isinstance(request, Mapping) else {}
    target = str(known.get("path") or known.get("url") or "")
    bodies = (response.get(key) for key in ("json", "text", "body", "content", "data"))
    document = next((found for found in map(_decoded, bodies) if found is not None), None)
    if document is None and "status" not in response:
        document = response  # the answer itself, without a frame around it
    _dispatch(memory, target.split("?")[0].rstrip("/"), document)


def _dispatch(memory: PrinterMemory, path: str, document: Any) -> None:
    if path.endswith("/api/v1/status"):
        memory.take_status(document)
    elif path.endswith("/api/v1/job"):
        memory.take_job(document)
    elif path.endswith("/api/v1/info"):
        memory.take_info(document)
    elif path.endswith("/api/version"):
        memory.take_version(document)
    elif path.endswith("/api/printer"):
        memory.take_old_printer(document)
    elif path.endswith("/api/job"):
        memory.take_old_job(document)
    elif not path:
        _guess(memory, document)


def _guess(memory: PrinterMemory, document: Any) -> None:
    """An answer without its question: by its shape."""
    if not isinstance(document, Mapping):
        return
    if isinstance(document.get("printer"), Mapping) and "state" in document["printer"]:
        memory.take_status(document)
    elif "file" in document and "state" in document:
        memory.take_job(document)
    elif "text" in document and "api" in document:
        memory.take_version(document)
    elif "serial" in document:
        memory.take_info(document)
    elif "telemetry" in document:
        memory.take_old_printer(document)


def _poll_as_status(entry: Mapping[str, Any]) -> Any:
    """A trace keeps of each poll only ``state``, ``job`` and ``tn``, the nozzle's temperature."""
    if "t" not in entry or "state" not in entry:
        return entry
    printer = {"state": entry["state"], "temp_nozzle": entry.get("tn"), "status_printer": {}}
    return {"printer": printer, "job": entry.get("job")}


def _decoded(body: Any) -> Any:
    """JSON, whether it was kept as text or as parsed."""
    if isinstance(body, (dict, list)):
        return body
    try:
        return json.loads(body) if isinstance(body, str) else None
    except (ValueError, RecursionError):
        return None
