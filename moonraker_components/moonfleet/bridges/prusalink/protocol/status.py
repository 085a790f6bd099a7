# What one /api/v1/status or /api/v1/job says, before any memory is applied
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Facts of a single answer. Absent, null and nonsense are all None; unknown keys do no harm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from ....core.model import Heater
from .identity import Flavour
from .values import celsius, count, number, seconds, table, text

STATES = frozenset(
    {
        "IDLE",
        "BUSY",
        "PRINTING",
        "PAUSED",
        "FINISHED",
        "STOPPED",
        "ATTENTION",
        "READY",
        "ERROR",
    }
)


_HEATERS = (
    ("extruder", "printer", "temp_nozzle", "target_nozzle"),
    ("heater_bed", "printer", "temp_bed", "target_bed"),
    ("chamber", "chamber", "temp", "target_temp"),
)


@dataclass(frozen=True)
class JobFacts:
    """The ``job`` object: present while the server knows of a job, its members all optional."""

    id: Optional[int] = None
    progress: Optional[float] = None  # 0..1
    time_left: Optional[float] = None
    print_duration: Optional[float] = None


@dataclass(frozen=True)
class FileFacts:
    """Which file a job prints."""

    name: Optional[str] = None  # as people see it
    filename: Optional[str] = None  # below the storage's root, long names
    origin: Optional[str] = None  # usb, local, sdcard
    address: Optional[str] = None  # storage and path as the server takes them
    thumbnail: Optional[str] = None
    size: Optional[int] = None
    modified: Optional[int] = None


@dataclass(frozen=True)
class StatusFacts:
    state: Optional[str] = None  # one of STATES
    heaters: Mapping[str, Heater] = field(default_factory=dict)
    speed_factor: Optional[float] = None
    message: Optional[str] = None  # the fault, in the server's words
    dialog: Optional[str] = None  # code of the question on the screen
    job: Optional[JobFacts] = None
    flavour: Optional[Flavour] = None  # what the shape gives away


def parse_status(document: Any) -> Optional[StatusFacts]:
    """None when the document is no status at all."""
    status = table(document)
    printer = status.get("printer")
    if not isinstance(printer, dict):
        return None
    speed = number(printer.get("speed"), 0.0, 2000.0)
    complaint = table(printer.get("status_printer"))
    dialog = table(status.get("dialog"))
    message = text(complaint.get("message")) if complaint.get("ok") is False else None
    return StatusFacts(
        state=_state(printer.get("state")),
        heaters=_heaters(printer, table(status.get("chamber"))),
        speed_factor=None if speed is None else speed / 100.0,
        message=message,
        dialog=_code(dialog.get("code")) if dialog else None,
        job=_job(status.get("job")),
        flavour=_status_flavour(status, printer),
    )


def parse_job(document: Any) -> Optional[tuple[Optional[str], JobFacts, FileFacts]]:
    """``/api/v1/job``: (state, job, file), or None when the document is none."""
    answer = table(document)
    if "id" not in answer and "file" not in answer:
        return None
    job = _job(answer) or JobFacts()
    if job.print_duration == 0.0 and job_flavour(answer) is Flavour.PYTHON:
        # here the Python server writes 0 for what its status leaves out
        job = JobFacts(job.id, job.progress, job.time_left, None)
    return _state(answer.get("state")), job, parse_file(answer.get("file"))


def job_flavour(document: Any) -> Optional[Flavour]:
    answer = table(document)
    entry = table(answer.get("file"))
    if "inaccurate_estimates" in answer or "meta" in entry or "display_path" in entry:
        return Flavour.PYTHON
    return Flavour.BUDDY if str(entry.get("path", "")).startswith("/usb") else None


def parse_file(value: Any) -> FileFacts:
    """The ``file`` of a job. Buddy names the folder and 8.3 names, Python the whole long path."""
    entry = table(value)
    refs = table(entry.get("refs"))
    short = text(entry.get("name"))
    name = text(entry.get("display_name")) or short
    path = text(entry.get("path")) or ""
    parts = [part for part in path.split("/") if part]
    if name is not None and parts and parts[-1] in (name, short):
        parts.pop()  # the Python server's path ends with the file
    origin = storage_name(parts[0]) if parts else None
    below = parts[1:]
    return FileFacts(
        name=name,
        filename="/".join([*below, name]) if name is not None else None,
        origin=origin,
        address="/".join([origin, *below, short or ""]) if origin and short else None,
        thumbnail=text(refs.get("thumbnail")),
        size=count(entry.get("size")),
        modified=count(entry.get("m_timestamp")),
    )


def storage_name(root: str) -> Optional[str]:
    """Job paths of the Python server start with the storage's title, not with its name."""
    titles = {"usb": "usb", "local": "local", "sdcard": "sdcard"}
    titles.update({"prusalink gcodes": "local", "sd card": "sdcard"})
    return titles.get(root.lower())


def _state(value: Any) -> Optional[str]:
    word = value.upper() if isinstance(value, str) and len(value) < 32 else None
    return word if word in STATES else None


def _job(value: Any) -> Optional[JobFacts]:
    if not isinstance(value, dict):
        return None
    percent = number(value.get("progress"), -1e6, 1e6)
    return JobFacts(
        id=count(value.get("id")),
        progress=None if percent is None else min(1.0, max(0.0, percent / 100.0)),
        time_left=seconds(value.get("time_remaining")),
        print_duration=seconds(value.get("time_printing")),
    )


def _heaters(printer: Mapping[str, Any], chamber: Mapping[str, Any]) -> Mapping[str, Heater]:
    heaters = {}
    for name, source, temperature_key, target_key in _HEATERS:
        said = chamber if source == "chamber" else printer
        temperature, target = celsius(said.get(temperature_key)), celsius(said.get(target_key))
        if temperature is not None or target is not None:
            heaters[name] = Heater(temperature, target)
    return heaters


def _code(value: Any) -> Optional[str]:
    whole = count(value, 10**9)
    return str(whole) if whole is not None else text(value)


def _status_flavour(status: Mapping[str, Any], printer: Mapping[str, Any]) -> Optional[Flavour]:
    if isinstance(status.get("storage"), list) or "status_printer" in printer:
        return Flavour.PYTHON
    return Flavour.BUDDY if isinstance(status.get("storage"), dict) else None
