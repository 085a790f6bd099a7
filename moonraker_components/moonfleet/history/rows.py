# Between a JobRecord, a row of the table and the public JSON
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Rows are tuples in the order of ``COLUMNS``; nothing depends on a row factory."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from ..core.finish import FinishSample
from ..core.jobs_record import JobRecord

COLUMNS = (
    "job_id",
    "printer",
    "display_name",
    "filename",
    "name",
    "status",
    "start_time",
    "end_time",
    "total_duration",
    "print_duration",
    "pause_duration",
    "estimated",
    "progress",
    "layer",
    "layers",
    "filament",
    "material",
    "grams",
    "max_temperatures",
    "heatup_time",
    "eta_error",
    "forecasts",
    "faults",
    "origin",
    "thumbnail",
    "notes",
    "missed_before",
    "energy",
)
MAX_NOTES = 2000  # characters
AT = {name: place for place, name in enumerate(COLUMNS)}
_JSON: dict[str, Any] = {"filament": [], "max_temperatures": {}, "faults": []}
_HIDDEN = ("estimated", "forecasts", "material", "grams")  # in another shape, or not public


def to_row(record: JobRecord) -> tuple[Any, ...]:
    values = dict(vars(record))
    values["estimated"] = (
        record.start_estimated + 2 * record.end_estimated + 4 * record.status_estimated
    )
    values["filament"] = _dump([dict(entry) for entry in record.filament])
    values["material"] = material_of(record.filament)
    values["grams"] = grams_of(record.filament)
    values["max_temperatures"] = _dump(dict(record.max_temperatures))
    values["forecasts"] = _dump([list(pair) for pair in record.forecasts])
    values["faults"] = _dump(list(record.faults))
    return tuple(_plain(values[name]) for name in COLUMNS)


def to_json(row: Sequence[Any]) -> dict[str, Any]:
    """The Job of the contract (docs/history.md)."""
    job = {name: row[place] for name, place in AT.items() if name not in _HIDDEN}
    marks = row[AT["estimated"]]
    job["display_name"] = job["display_name"] or job["printer"]
    job["estimated"] = {"start": bool(marks & 1), "end": bool(marks & 2), "status": bool(marks & 4)}
    for name, empty in _JSON.items():
        job[name] = _load(job[name], empty)
    for name in ("start_time", "end_time", "total_duration", "print_duration", "pause_duration"):
        job[name] = None if job[name] is None else round(job[name], 3)
    return job


def from_json(job: Mapping[str, Any]) -> tuple[Any, ...]:
    """The row of a public Job, as far as its JSON goes; forecasts are not in it."""
    marks = job["estimated"]
    values = {name: job.get(name) for name in COLUMNS}
    values["estimated"] = marks["start"] + 2 * marks["end"] + 4 * marks["status"]
    values["material"], values["grams"] = material_of(job["filament"]), grams_of(job["filament"])
    values["forecasts"] = "[]"
    for name in _JSON:
        values[name] = _dump(job[name])
    for name in ("total_duration", "print_duration", "pause_duration"):
        values[name] = job.get(name) or 0.0
    return tuple(values[name] for name in COLUMNS)


def material_of(filament: Sequence[Mapping[str, Any]]) -> str:
    found = {str(entry["material"]) for entry in filament if entry.get("material")}
    return "+".join(sorted(found))[:100]


def grams_of(filament: Sequence[Mapping[str, Any]]) -> Optional[float]:
    known = [entry["grams"] for entry in filament if entry.get("grams") is not None]
    return sum(known) if known else None


def finish_samples(row: Sequence[Any]) -> list[FinishSample]:
    """What the printer promised on the way, and what it took, of a job that was seen to the end."""
    return [FinishSample(row[AT["material"]], left, actual) for left, _, actual in _forecasts(row)]


def finish_errors(row: Sequence[Any]) -> Optional[tuple[float, float]]:
    """How far the first promise was off, the printer's and ours: seconds, positive when late."""
    found = _forecasts(row)
    if not found:
        return None
    left, ours, actual = found[0]
    return actual - left, actual - ours


def _forecasts(row: Sequence[Any]) -> list[tuple[float, float, float]]:
    """(the printer's remaining time, ours, what it was) on the way of a job seen to its end."""
    if row[AT["status"]] != "completed" or row[AT["estimated"]] & 6:
        return []
    active = float(row[AT["total_duration"]]) - float(row[AT["pause_duration"]])
    return [
        (left, ours, active - elapsed)
        for elapsed, left, ours in _load(row[AT["forecasts"]], [])
        if left > 0.0 and active - elapsed > 0.0
    ]


def faults_of(row: Sequence[Any]) -> list[str]:
    return [str(code) for code in _load(row[AT["faults"]], [])]


def clean(notes: str) -> Optional[str]:
    """As it is kept; None for an empty text."""
    text: Optional[str] = _plain(notes.strip()[:MAX_NOTES])
    return text or None


def _dump(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), default=str)


def _load(value: Any, empty: Any) -> Any:
    """What stands in the database may have been written by a damaged disk."""
    try:
        loaded = json.loads(value)
    except (TypeError, ValueError, RecursionError):
        return type(empty)()
    return loaded if isinstance(loaded, type(empty)) else type(empty)()


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str):  # a lone surrogate cannot be stored
        return value.encode("utf-8", "replace").decode("utf-8")
    return value
