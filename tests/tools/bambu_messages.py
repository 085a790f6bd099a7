# Recorded Bambu messages -> snapshot; the bambu half of tests.tools.snapshot
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""A file is a list of ``{"payload": ..., "ms": time or null}`` in the order received, a list of
payloads, or one payload.
"""

from __future__ import annotations

import json
import pathlib
from typing import Any, Optional

from moonfleet.bridges.bambu.protocol import PrinterReports, Report, Version, parse
from moonfleet.core.model import PrinterSnapshot


def snapshot_of(path: pathlib.Path) -> PrinterSnapshot:
    """The state after the last message in the file."""
    reports = PrinterReports()
    try:
        content = json.loads(path.read_text(encoding="utf-8", errors="replace"))
    except (ValueError, RecursionError):
        return reports.snapshot
    now = 0.0
    for item in content if isinstance(content, list) else [content]:
        seconds, payload = _record(item)
        # Without a recorded time, a message a second: what these printers send while busy.
        now = now + 1.0 if seconds is None else max(now, seconds)
        take(reports, payload, now)
    return reports.snapshot


def _record(item: Any) -> tuple[Optional[float], Any]:
    if isinstance(item, dict) and "payload" in item:
        ms = item.get("ms")
        return (ms / 1000.0 if isinstance(ms, (int, float)) else None), item["payload"]
    return None, item


def take(reports: PrinterReports, payload: Any, now: float) -> None:
    """Feed one payload (a document, or its text) as if it had come over the wire."""
    text = payload if isinstance(payload, str) else json.dumps(payload)
    for message in parse(text.encode("utf-8", "replace")):
        if isinstance(message, Report):
            reports.report(message.body, message.full, now)
        elif isinstance(message, Version):
            reports.modules(message.modules)
