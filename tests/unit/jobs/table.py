# Scenarios as tables: one line per report, and what the history must say afterwards
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``run(rules, rows)`` plays a scenario and returns what happened.

A row is ``(seconds since the row before, what, {details})``. ``what`` is the phase of a report
(none, active, paused, held, completed, failed, cancelled) or something that happens to us:
``restart`` (the process is killed and starts again from what was stored last), ``lost``
(connection), ``tick``, ``stop`` (our own cancel is sent), ``clock`` (the wall clock is set by so
many seconds; the printer and the monotonic clock know nothing of it).
Details: id, unique, number, system, echo, preparing, progress, left, printed, layer, layers, name,
faults, heaters, filament.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from typing import Any

from moonfleet.core.jobs import JobEvent, JobTracker
from moonfleet.core.jobs_record import JobRecord
from moonfleet.core.model import (
    Fault,
    Heater,
    Job,
    JobPhase,
    JobReport,
    JobRules,
    PrinterSnapshot,
    PrintState,
    Severity,
)

START = 1_700_000_000.0
BAMBU = JobRules(cancel_window=15.0, identity_settle=5.0, finish_slack=0.0)
PRUSA = JobRules(
    idle_confirmations=2, idle_status="cancelled", names_ends=False, number_modulus=65536
)

_STATES = {
    JobPhase.NONE: PrintState.STANDBY,
    JobPhase.ACTIVE: PrintState.PRINTING,
    JobPhase.PAUSED: PrintState.PAUSED,
    JobPhase.HELD: PrintState.STANDBY,
    JobPhase.COMPLETED: PrintState.COMPLETE,
    JobPhase.FAILED: PrintState.ERROR,
    JobPhase.CANCELLED: PrintState.CANCELLED,
}


def snapshot(phase: JobPhase, **d: Any) -> PrinterSnapshot:
    shown = None
    if phase not in (JobPhase.NONE, JobPhase.HELD):
        shown = Job(
            name=d.get("name", "cube"),
            filename=d.get("filename", d.get("name", "cube")),
            progress=d.get("progress"),
            time_left=d.get("left"),
            print_duration=d.get("printed"),
            layer=d.get("layer"),
            layers=d.get("layers"),
        )
    return PrinterSnapshot(
        state=_STATES[phase],
        job=shown,
        heaters={name: Heater(*pair) for name, pair in d.get("heaters", {}).items()},
        faults=tuple(Fault(code, Severity.SERIOUS) for code in d.get("faults", ())),
        filament=d.get("filament"),
        job_report=JobReport(
            phase=phase,
            identity=d.get("id"),
            unique=d.get("unique", True),
            number=d.get("number"),
            system=d.get("system", False),
            cancel_echo=d.get("echo", False),
            preparing=d.get("preparing", False),
        ),
    )


@dataclass
class Outcome:
    tracker: JobTracker
    events: list[JobEvent] = field(default_factory=list)

    @property
    def kinds(self) -> str:
        return " ".join(event.kind for event in self.events)

    @property
    def rows(self) -> dict[str, JobRecord]:
        """The history: the last word on each job id."""
        return {event.record.job_id: event.record for event in self.events}

    @property
    def statuses(self) -> list[str]:
        """``status``, with ``~`` behind it where it is marked as estimated."""
        return [r.status + ("~" if r.status_estimated else "") for r in self.rows.values()]

    @property
    def only(self) -> JobRecord:
        assert len(self.rows) == 1, self.statuses
        return next(iter(self.rows.values()))


def run(rules: JobRules, rows: list[tuple[Any, ...]], *, mono: bool = True) -> Outcome:
    ids = itertools.count(1)

    def new_id() -> str:
        return f"job{next(ids)}"

    tracker = JobTracker("p", rules, None, new_id)
    outcome = Outcome(tracker)
    uptime, wall = 1000.0, START
    for seconds, what, *rest in rows:
        details = rest[0] if rest else {}
        uptime += seconds
        wall += seconds
        clocks = (wall, uptime) if mono else (wall, None)
        if what == "clock":
            wall += details["by"]
            continue
        if what == "restart":
            stored = json.loads(json.dumps(tracker.to_dict()))
            tracker = outcome.tracker = JobTracker("p", rules, stored, new_id)
            uptime = 50.0
            continue
        if what == "lost":
            outcome.events += tracker.connection_lost(*clocks)
        elif what == "tick":
            outcome.events += tracker.tick(*clocks)
        elif what == "stop":
            outcome.events += tracker.user_cancel(*clocks)
        else:
            outcome.events += tracker.observe(snapshot(JobPhase(what), **details), *clocks)
    return outcome
