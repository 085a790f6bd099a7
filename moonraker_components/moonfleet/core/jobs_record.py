# What is known of one job: while it runs, and for ever after
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``OpenJob`` is the tracker's working copy and survives restarts as JSON; ``JobRecord`` is frozen.

Times are Unix seconds, durations seconds. ``None`` means nobody knows; what was worked out and not
seen is marked in ``estimated``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Optional

IN_PROGRESS = "in_progress"
COMPLETED = "completed"
CANCELLED = "cancelled"
ERROR = "error"
INTERRUPTED = "interrupted"
OUTCOMES = (COMPLETED, CANCELLED, ERROR, INTERRUPTED)
STATUSES = (IN_PROGRESS, *OUTCOMES)

PRINTING = "printing"
PAUSED = "paused"

MAX_TEXT = 500  # characters kept of a name that a device sends
MAX_LIST = 32  # faults, slots
# details of an open job that may be unknown
_NUMBERS = frozenset(
    {"progress", "dropped_to", "time_left", "heatup_time", "eta_error", "energy", "energy_seen"}
)


@dataclass(frozen=True)
class JobRecord:
    """One row of the history."""

    job_id: str
    printer: str
    status: str
    start_time: float
    end_time: Optional[float] = None
    filename: Optional[str] = None
    name: Optional[str] = None
    total_duration: float = 0.0
    print_duration: float = 0.0
    pause_duration: float = 0.0
    start_estimated: bool = False
    end_estimated: bool = False
    status_estimated: bool = False
    progress: Optional[float] = None
    layer: Optional[int] = None
    layers: Optional[int] = None
    filament: tuple[Mapping[str, Any], ...] = ()
    max_temperatures: Mapping[str, float] = field(default_factory=dict)
    heatup_time: Optional[float] = None
    eta_error: Optional[float] = None
    faults: tuple[str, ...] = ()
    origin: Optional[str] = None
    thumbnail: Optional[str] = None
    notes: Optional[str] = None
    missed_before: int = 0  # runs that nobody saw since the job before
    # (seconds at work, seconds left as the printer told on the way, and as we corrected them)
    forecasts: tuple[tuple[float, float, float], ...] = ()
    energy: Optional[float] = None  # kWh
    display_name: Optional[str] = None  # of the printer; added where the settings are known

    def to_json(self) -> dict[str, Any]:
        """The public shape (docs/history.md)."""
        return {
            "job_id": self.job_id,
            "printer": self.printer,
            "display_name": self.display_name or self.printer,
            "filename": self.filename,
            "name": self.name,
            "status": self.status,
            "start_time": round(self.start_time, 3),
            "end_time": None if self.end_time is None else round(self.end_time, 3),
            "total_duration": round(self.total_duration, 3),
            "print_duration": round(self.print_duration, 3),
            "pause_duration": round(self.pause_duration, 3),
            "estimated": {
                "start": self.start_estimated,
                "end": self.end_estimated,
                "status": self.status_estimated,
            },
            "progress": self.progress,
            "layer": self.layer,
            "layers": self.layers,
            "filament": [dict(entry) for entry in self.filament],
            "max_temperatures": dict(self.max_temperatures),
            "heatup_time": self.heatup_time,
            "eta_error": self.eta_error,
            "faults": list(self.faults),
            "origin": self.origin,
            "thumbnail": self.thumbnail,
            "notes": self.notes,
            "missed_before": self.missed_before,
            "energy": self.energy,
        }


@dataclass(frozen=True)
class JobEvent:
    """``kind`` is started, paused, resumed or finished; ``record`` is the job as of then.

    ``resumed`` also stands for a job that was written down as ended by inference and turned out
    to go on: the record has the same ``job_id`` and is in progress again.
    """

    kind: str
    record: JobRecord
    time: float

    @property
    def action(self) -> str:
        """The word of ``notify_moonfleet_history_changed``."""
        return {"started": "added", "finished": "finished"}.get(self.kind, "updated")


@dataclass
class OpenJob:
    """The running job. Read it anywhere; only the tracker writes."""

    job_id: str
    printer: str
    start_time: float
    start_estimated: bool = False
    identity: Optional[str] = None
    unique: bool = False
    number: Optional[int] = None
    phase: str = PRINTING  # or paused
    counting: bool = True  # False while it prepares, or the printer is busy and says nothing of it
    name: Optional[str] = None
    filename: Optional[str] = None
    origin: Optional[str] = None
    total_duration: float = 0.0
    print_duration: float = 0.0
    pause_duration: float = 0.0
    progress: Optional[float] = None  # the highest seen
    progress_rose: bool = False  # it has been seen to grow: it belongs to this run
    dropped_to: Optional[float] = None  # it fell back to this, and may be a new run
    dropped_for: float = 0.0  # seconds of total_duration at the fall
    time_left: Optional[float] = None  # as last told
    layer: Optional[int] = None
    layers: Optional[int] = None
    filament: list[dict[str, Any]] = field(default_factory=list)
    max_temperatures: dict[str, float] = field(default_factory=dict)
    heatup_time: Optional[float] = None
    printed_once: bool = False  # material has been laid down: heating up is over
    eta_error: Optional[float] = None
    faults: list[str] = field(default_factory=list)
    faults_before: list[str] = field(default_factory=list)  # were there when it began
    thumbnail: Optional[str] = None
    notes: Optional[str] = None
    missed_before: int = 0
    forecasts: list[list[float]] = field(default_factory=list)
    correction: float = 1.0  # what we multiply the printer's remaining time by
    energy: Optional[float] = None
    energy_seen: Optional[float] = None  # kWh on the meter when it was last read

    def record(
        self,
        status: str = IN_PROGRESS,
        end_time: Optional[float] = None,
        *,
        end_estimated: bool = False,
        status_estimated: bool = False,
    ) -> JobRecord:
        progress = 1.0 if status == COMPLETED else self.progress
        if end_time is not None:
            end_time = max(end_time, self.start_time)
        return JobRecord(
            job_id=self.job_id,
            printer=self.printer,
            status=status,
            start_time=self.start_time,
            end_time=end_time,
            filename=self.filename,
            name=self.name,
            total_duration=self.total_duration,
            print_duration=self.print_duration,
            pause_duration=self.pause_duration,
            start_estimated=self.start_estimated,
            end_estimated=end_estimated,
            status_estimated=status_estimated,
            progress=progress,
            layer=self.layer,
            layers=self.layers,
            filament=tuple(dict(entry) for entry in self.filament),
            max_temperatures=dict(self.max_temperatures),
            heatup_time=self.heatup_time,
            eta_error=self.eta_error,
            faults=tuple(self.faults),
            origin=self.origin,
            thumbnail=self.thumbnail,
            notes=self.notes,
            missed_before=self.missed_before,
            forecasts=tuple((elapsed, left, ours) for elapsed, left, ours in self.forecasts),
            energy=self.energy,
        )

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Any) -> Optional[OpenJob]:
        """None when the stored text is not a job; a damaged detail costs only itself."""
        if not isinstance(stored, Mapping):
            return None
        job_id, printer = stored.get("job_id"), stored.get("printer")
        start = number(stored.get("start_time"))
        if not (isinstance(job_id, str) and job_id and isinstance(printer, str)) or start is None:
            return None
        job = cls(job_id, printer, start)
        for item in fields(cls):
            if item.name in stored and item.name not in ("job_id", "printer", "start_time"):
                _restore(job, item.name, stored[item.name])
        return job


def _restore(job: OpenJob, key: str, value: Any) -> None:
    """Set one stored detail when it has the type that the detail has."""
    if key in ("identity", "name", "filename", "origin", "thumbnail", "notes"):
        good: Any = text(value)
    elif key in ("number", "layer", "layers"):
        good = whole(value)
    elif key in _NUMBERS:
        good = number(value)
    elif key == "phase":
        good = value if value in (PRINTING, PAUSED) else PRINTING
    elif key in ("faults", "faults_before"):
        good = [code for code in _list(value) if isinstance(code, str)][:MAX_LIST]
    elif key == "filament":
        good = [dict(entry) for entry in _list(value) if isinstance(entry, Mapping)][:MAX_LIST]
    elif key == "forecasts":
        good = [one for one in _list(value) if _is_forecast(one)][:MAX_LIST]
    elif key == "max_temperatures":
        known = value if isinstance(value, Mapping) else {}
        good = {str(name): t for name, t in known.items() if number(t) is not None}
    elif isinstance(getattr(job, key), bool):
        good = value is True
    else:
        good = whole(value) if key == "missed_before" else number(value)
        if good is None or good < 0:
            return
    setattr(job, key, good)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_forecast(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and all(number(v) is not None for v in value)


def text(value: Any) -> Optional[str]:
    """A short text, or None."""
    return value[:MAX_TEXT] if isinstance(value, str) and value else None


def number(value: Any) -> Optional[float]:
    """A finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def whole(value: Any) -> Optional[int]:
    """A whole number that a database can hold, or None."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if abs(value) < 2**53 else None
