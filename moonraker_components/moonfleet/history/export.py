# The history as a file: CSV for a spreadsheet, JSON lines for programs
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Both are made row by row; how many there are does not matter."""

from __future__ import annotations

import csv
import datetime
import io
import json
from collections.abc import Mapping
from typing import Any

FORMATS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
_COLUMNS = (
    "job_id",
    "printer",
    "display_name",
    "name",
    "filename",
    "status",
    "start_time",
    "end_time",
    "total_duration",
    "print_duration",
    "pause_duration",
    "start_estimated",
    "end_estimated",
    "status_estimated",
    "progress",
    "layer",
    "layers",
    "materials",
    "filament_grams",
    "heatup_time",
    "eta_error",
    "faults",
    "origin",
    "energy",
    "notes",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def header(form: str) -> str:
    return _csv(_COLUMNS) if form == "csv" else ""


def line(form: str, job: Mapping[str, Any]) -> str:
    if form == "jsonl":
        return json.dumps(job, separators=(",", ":"), allow_nan=False) + "\n"
    used = job["filament"]
    grams = [entry["grams"] for entry in used if entry.get("grams") is not None]
    more = {
        "start_time": _moment(job["start_time"]),
        "end_time": _moment(job["end_time"]),
        **{f"{name}_estimated": mark for name, mark in job["estimated"].items()},
        "materials": " ".join(str(e["material"]) for e in used if e.get("material")),
        "filament_grams": round(sum(grams), 2) if grams else None,
        "faults": " ".join(job["faults"]),
    }
    return _csv([_cell(more.get(name, job.get(name))) for name in _COLUMNS])


def _moment(seconds: Any) -> Any:
    """UTC, as every spreadsheet reads it."""
    if seconds is None:
        return None
    try:
        moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    except (OverflowError, OSError, ValueError):
        return seconds
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _cell(value: Any) -> Any:
    """A name from a printer must not be taken for a formula."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    if isinstance(value, bool):
        return int(value)
    return value


def _csv(cells: Any) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue()
