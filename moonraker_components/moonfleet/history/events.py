# The bounded list of events
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``writer.put_events`` keeps it bounded; these are the questions."""

from __future__ import annotations

import json
import sqlite3
from typing import Any, Optional

from .schema import EVENTS

MAX_PAGE = 500


def recent(
    connection: sqlite3.Connection, printer: Optional[str], since: Optional[float], limit: int
) -> list[dict[str, Any]]:
    where: list[str] = []
    values: list[Any] = []
    if printer is not None:
        where.append("printer = ?")
        values.append(printer)
    if since is not None:
        where.append("time > ?")
        values.append(since)
    condition = f" WHERE {' AND '.join(where)}" if where else ""
    rows = connection.execute(
        f"SELECT id, time, type, printer, details FROM {EVENTS}{condition} "
        "ORDER BY id DESC LIMIT ?",
        [*values, min(max(1, limit), MAX_PAGE)],
    ).fetchall()
    found = []
    for key, moment, kind, name, text in rows:
        event = {"id": key, "time": moment, "type": kind, "printer": name}
        try:
            event.update(json.loads(text))
        except (TypeError, ValueError, RecursionError):
            pass  # its details were damaged; that it happened is still known
        found.append(event)
    return found


def last_id(connection: sqlite3.Connection) -> int:
    row = connection.execute(f"SELECT MAX(id) FROM {EVENTS}").fetchone()
    return row[0] or 0
