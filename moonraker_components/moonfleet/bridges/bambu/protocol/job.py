# gcode_state and its neighbours -> state, job and the facts the job tracker needs
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""One run on the printer, followed from report to report.

Printers contradict themselves around the ends of a job: numbers of the last job linger at a start,
are zeroed at an end, and the code that tells a cancel from a failure comes before or after.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ....core.model import Job, JobPhase, JobReport, PrintState
from .faults import CANCEL_ECHOES, CANCEL_LOW_WORDS

CANCEL_WINDOW = 15.0  # seconds between FAILED and its cancel code, either side
OWN_STOP_WINDOW = 60.0  # a FAILED within this time of our own stop is a cancel

_ACTIVE = frozenset({"PREPARE", "SLICING", "RUNNING", "PAUSE"})
_ENDED = frozenset({"FINISH", "FAILED"})
_BY_NUMBER = {0: "IDLE", 4: "RUNNING", 6: "FINISH", 7: "FAILED"}
_PHASES = {
    "PREPARE": JobPhase.ACTIVE,
    "SLICING": JobPhase.ACTIVE,
    "RUNNING": JobPhase.ACTIVE,
    "PAUSE": JobPhase.PAUSED,
    "FINISH": JobPhase.COMPLETED,
    "FAILED": JobPhase.FAILED,
    "IDLE": JobPhase.NONE,
    "INIT": JobPhase.NONE,
    "UNKNOWN": JobPhase.NONE,
    "": JobPhase.NONE,
}
_STATES = {
    JobPhase.ACTIVE: PrintState.PRINTING,
    JobPhase.PAUSED: PrintState.PAUSED,
    JobPhase.COMPLETED: PrintState.COMPLETE,
    JobPhase.NONE: PrintState.STANDBY,
}
_ORIGINS = frozenset({"local", "cloud", "system"})
_SYSTEM_FILES = "/usr/"


class Run:
    """What must be remembered of the job on the printer between reports."""

    def __init__(self) -> None:
        self._state: Optional[str] = None
        self._failed_at: Optional[float] = None
        self._echo_at: Optional[float] = None
        self._echo = False
        self._own_stop_at: Optional[float] = None
        self._cancelled = False
        self._origin: Optional[str] = None
        self._ids: Optional[int] = None
        self._top_progress = 0.0
        self._top_layer = 0

    def own_stop(self, now: float) -> None:
        """We have asked the printer to stop."""
        self._own_stop_at = now

    def follow(self, facts: Mapping[str, Any], now: float) -> None:
        state = gcode_state(facts)
        echo = _echoes(facts)
        before, self._state = self._state, state
        active = state is not None and state in _ACTIVE
        if active and (before is None or before not in _ACTIVE):
            self._begin()
        # A code that stood there before belongs to the last job.
        if echo and not self._echo and not (active and before is None):
            self._echo_at = now
        self._echo = echo
        if state is not None and state not in _ACTIVE:
            self._ended(before, state, now)
        self._remember(facts, state)

    def _begin(self) -> None:
        self._failed_at = self._echo_at = None
        self._own_stop_at = None
        self._cancelled = False
        self._top_progress, self._top_layer = 0.0, 0
        self._origin = self._ids = None

    def _ended(self, before: Optional[str], state: str, now: float) -> None:
        if before != state:
            self._failed_at = now
            if before in _ACTIVE and _within(self._own_stop_at, now, OWN_STOP_WINDOW):
                self._cancelled = True
        if _within(self._echo_at, self._failed_at, CANCEL_WINDOW):
            self._cancelled = True

    def _remember(self, facts: Mapping[str, Any], state: Optional[str]) -> None:
        origin = facts.get("print_type")
        if origin in _ORIGINS:
            self._origin = origin
            self._ids = _id(facts)
        elif self._ids is not None and self._ids != _id(facts):
            self._origin = self._ids = None
        if state in _ACTIVE:
            self._top_progress = max(self._top_progress, facts.get("mc_percent") or 0.0)
            self._top_layer = max(self._top_layer, _layers(facts)[0] or 0)

    def state(self) -> Optional[PrintState]:
        if self._state is None:
            return None
        if self._state == "FAILED":
            return PrintState.CANCELLED if self._cancelled else PrintState.ERROR
        return _STATES.get(_PHASES.get(self._state, JobPhase.HELD))

    def report(self, facts: Mapping[str, Any]) -> JobReport:
        number, name = _id(facts), _name(facts)
        system = self._origin == "system" or (facts.get("gcode_file") or "").startswith(
            _SYSTEM_FILES
        )
        identity = None if number is None and name is None else f"{number or ''}|{name or ''}"
        return JobReport(
            phase=JobPhase.HELD if self._state is None else _PHASES.get(self._state, JobPhase.HELD),
            identity=identity,
            unique=self._origin == "cloud" and number is not None,
            system=system,
            cancel_echo=self._cancelled,
            preparing=self._state in ("PREPARE", "SLICING"),
            skipped=facts.get("s_obj", ()),
        )

    def job(self, facts: Mapping[str, Any]) -> Optional[Job]:
        """The job on the printer's screen; a number that lies at this moment is None."""
        state = self._state
        progress: Optional[float] = facts.get("mc_percent", facts.get("percent"))
        layer, layers = _layers(facts)
        minutes: Optional[float] = facts.get("mc_remaining_time", facts.get("remain_time"))
        if state in _ENDED:
            if progress is not None:
                progress = max(progress, self._top_progress)
            if layer is not None and layers is not None:
                layer = min(max(layer, self._top_layer), layers)
            if minutes:  # a leftover of the run that has ended
                minutes = None
        elif state is not None and state not in _ACTIVE:
            progress = minutes = layer = layers = None
        if state == "FAILED":
            minutes = None
        name, filename = _name(facts), facts.get("gcode_file") or None
        if all(value is None for value in (name, filename, progress, layer, layers, minutes)):
            return None
        return Job(
            name=name,
            filename=filename,
            progress=None if progress is None else progress / 100.0,
            time_left=None if minutes is None else minutes * 60.0,
            layer=layer,
            layers=layers,
            origin=self._origin,
        )


def gcode_state(facts: Mapping[str, Any]) -> Optional[str]:
    state: Optional[str] = facts.get("gcode_state")
    return state if state is not None else _BY_NUMBER.get(facts.get("state", -1))


def _echoes(facts: Mapping[str, Any]) -> bool:
    return (
        facts.get("print_error") in CANCEL_ECHOES
        or facts.get("mc_print_error_code") in CANCEL_LOW_WORDS
    )


def _within(earlier: Optional[float], later: Optional[float], window: float) -> bool:
    return earlier is not None and later is not None and abs(later - earlier) <= window


def _id(facts: Mapping[str, Any]) -> Optional[int]:
    for key in ("subtask_id", "task_id"):
        value: Optional[int] = facts.get(key)
        if value is not None and value > 0:
            return value
    return None


def _name(facts: Mapping[str, Any]) -> Optional[str]:
    name: Optional[str] = facts.get("subtask_name")
    if name:
        return name
    return (facts.get("gcode_file") or "").rsplit("/", 1)[-1] or None


def _layers(facts: Mapping[str, Any]) -> tuple[Optional[int], Optional[int]]:
    """A layer above the total is the last job's; a total of 0 is "not known yet"."""
    layer: Optional[int] = facts.get("layer_num", facts.get("3d_layer"))
    total: Optional[int] = facts.get("total_layer_num", facts.get("3d_layers"))
    if total is not None and total <= 0:
        total = None
        layer = layer or None
    if layer is not None and total is not None and layer > total:
        layer = None
    return layer, total
