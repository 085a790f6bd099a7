# How a job ends: seen, inferred, or waiting for the word that tells a cancel from a fault
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The part of the tracker that closes jobs, and what it keeps across restarts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Optional

from .jobs_clock import JobClock
from .jobs_ledger import JobLedger
from .jobs_meter import elapse
from .jobs_record import (
    CANCELLED,
    COMPLETED,
    ERROR,
    INTERRUPTED,
    OUTCOMES,
    JobEvent,
    JobRecord,
    OpenJob,
    number,
)
from .model import JobPhase, JobReport, JobRules, PrinterSnapshot, Severity

CANCEL_CREDIT = 60.0  # s that a stop we sent explains an end
NEARLY_DONE = 0.99  # progress from which a job that vanished is taken for completed
SHORT_ABSENCE = 120.0  # s in which no other run can have come and gone
SLACK_SHARE = 0.1  # of the remaining time, on top of the rule's seconds


@dataclass
class Ending:
    """The printer said FAILED; a cancel echo may still follow."""

    t: float  # when
    unseen: bool  # it happened while nobody watched
    blind: bool = False  # the window was not watched to its end


class EndingTracker:
    """State of the tracker, and everything that ends a job."""

    def __init__(self, printer: str, rules: JobRules) -> None:
        self.printer = printer
        self.rules = rules
        self.open: Optional[OpenJob] = None
        self._clock = JobClock()
        self._ledger = JobLedger(rules)
        self._seen_t = 0.0  # the last report of the open job
        self._last_t: Optional[float] = None  # the last report at all
        self._last_phase: Optional[JobPhase] = None
        self._absent = True  # nobody watched since the last report
        self._idle = 0
        self._idle_t = 0.0
        self._idle_absent = False
        self._ending: Optional[Ending] = None
        self._echo = False
        self._echo_t: Optional[float] = None
        self._cancel_t: Optional[float] = None
        self._started_here = False  # the open job began under this process's clock
        self._codes: list[str] = []  # faults in the last report
        self._events: list[JobEvent] = []
        self.urgent = False  # something that must not wait a minute to be stored (to_dict resets)

    # ---- time and telling -------------------------------------------------------------------

    def _advance(self, now: float, mono: Optional[float]) -> None:
        drift = self._clock.advance(now, mono)
        if drift and self.open is not None and self._started_here:
            self.open.start_time += drift  # it was noted by a clock that was wrong

    def _tell(self, kind: str, record: JobRecord) -> None:
        self._events.append(JobEvent(kind, record, self._clock.wall()))

    def _drain(self) -> list[JobEvent]:
        events, self._events = self._events, []
        return events

    def _hear_echo(self, report: JobReport) -> None:
        """The register may be stale for days: its rise counts, and its state at the very end."""
        echo, before, self._echo = report.cancel_echo, self._echo, report.cancel_echo
        if not echo or before or self._last_t is None:
            return
        if self.open is not None and report.identity not in (None, self.open.identity):
            return  # another run's
        self._echo_t = self._clock.t
        if self._ending is not None:
            self._close_failed(cancelled=True)

    def _lose_sight(self) -> None:
        self._absent = True
        self._idle = 0
        if self._ending is not None:
            self._ending.blind = True

    # ---- the printer says how it ended ------------------------------------------------------

    def _terminal(self, snapshot: PrinterSnapshot, report: JobReport) -> None:
        job = self.open
        if job is None or self._ending is not None:
            return
        if report.identity not in (None, job.identity) and job.identity is not None:
            if self._absent:
                self._end_unseen(next_t=self._clock.t)
                return
            if self._ledger.is_last(report) or self._ledger.is_ended(report):
                return  # still the job before; this one has just begun
        t, phase, absent = self._clock.t, report.phase, self._absent
        sure = self._is_surely(report)
        if phase is JobPhase.COMPLETED:
            end_t = self._predicted_end(t) if absent else t
            self._close(COMPLETED, end_t, absent, status_estimated=not sure)
        elif (
            phase is JobPhase.CANCELLED
            or self._was_cancelled()
            or (report.cancel_echo and self.rules.cancel_window <= 0)
        ):
            self._close(CANCELLED, self._seen_t if absent else t, absent, status_estimated=not sure)
        elif absent:
            self._failed_unseen(snapshot, report, sure)
        else:
            self._ending, self.urgent = Ending(t, unseen=False), True
            if self.rules.cancel_window <= 0:
                self._close_failed(cancelled=False)

    def _is_surely(self, report: JobReport) -> bool:
        """Whether the end that the printer shows can only be the open job's.

        After a long absence another run of the same name, or one that the device does not name,
        may have come and gone.
        """
        job = self.open
        assert job is not None
        known = report.unique and report.identity is not None and report.identity == job.identity
        named = known and self.rules.names_ends
        return not self._absent or named or self._clock.t - self._seen_t <= SHORT_ABSENCE

    def _failed_unseen(self, snapshot: PrinterSnapshot, report: JobReport, sure: bool) -> None:
        """After an absence only a code that was not there before makes it an error."""
        assert self.open is not None
        new = [
            fault
            for fault in snapshot.faults
            if fault.severity is not Severity.INFO and fault.code not in self._codes
        ]
        if report.cancel_echo:
            self._close(CANCELLED, self._seen_t, True, status_estimated=True)
        elif new or self.rules.cancel_window <= 0:  # a device that tells a cancel from a fault
            self.open.faults.extend(f.code for f in new if f.code not in self.open.faults)
            self._close(ERROR, self._seen_t, True, status_estimated=not sure)
        else:
            self._close(INTERRUPTED, self._seen_t, True, status_estimated=True)

    def _was_cancelled(self) -> bool:
        window = self.rules.cancel_window
        echoed = self._echo_t is not None and self._clock.t - self._echo_t <= window
        return echoed or self._stopped()

    def _stopped(self) -> bool:
        """By ourselves, a moment ago."""
        return self._cancel_t is not None and self._clock.t - self._cancel_t <= CANCEL_CREDIT

    def _expire(self) -> None:
        ending = self._ending
        if ending is not None and self._clock.t - ending.t > self.rules.cancel_window:
            self._close_failed(cancelled=self._echo)

    def _close_failed(self, cancelled: bool) -> None:
        ending, self._ending = self._ending, None
        if ending is None or self.open is None:
            return
        status = CANCELLED if cancelled else ERROR
        self._close(
            status, ending.t, ending.unseen, status_estimated=ending.blind and not cancelled
        )

    # ---- nobody says how it ended -----------------------------------------------------------

    def _nothing(self) -> None:
        """No job on the printer: believed after the brand's number of reports."""
        if self.open is None or self._ending is not None:
            self._idle = 0
            return
        if self._idle == 0:
            self._idle_t, self._idle_absent = self._clock.t, self._absent
        self._idle += 1
        if self._idle >= self.rules.idle_confirmations:
            absent, self._absent = self._absent, self._absent or self._idle_absent
            self._end_unseen(next_t=self._idle_t)
            self._absent = absent

    def _end_unseen(self, next_t: float) -> None:
        """The job is over by ``next_t`` at the latest, and its end was not told."""
        job = self.open
        assert job is not None
        absent, self._ending = self._absent, None
        left = job.time_left
        slack = self.rules.finish_slack
        predicted = left is not None and (
            self._seen_t + left <= next_t + max(slack, SLACK_SHARE * left)
        )
        nearly = (job.progress or 0.0) >= NEARLY_DONE and job.progress_rose
        if self._was_cancelled() or (self._echo and self._echo_t is not None):
            guess = absent and not self._stopped()
            end_t = self._seen_t if absent else next_t
            self._close(CANCELLED, end_t, absent, status_estimated=guess)
        elif slack > 0 and (predicted or nearly):
            end_t = self._predicted_end(next_t) if absent else next_t
            self._close(COMPLETED, end_t, absent, status_estimated=True)
        else:
            status = INTERRUPTED
            if not absent and self.rules.idle_status in OUTCOMES:
                status = self.rules.idle_status
            end_t = self._seen_t if absent else next_t
            self._close(status, end_t, absent, status_estimated=True)

    def _predicted_end(self, latest: float) -> float:
        assert self.open is not None
        left = self.open.time_left
        return latest if left is None else min(latest, self._seen_t + left)

    def _close(
        self, status: str, end_t: float, end_estimated: bool, *, status_estimated: bool = False
    ) -> None:
        job = self.open
        assert job is not None
        elapse(job, end_t - self._seen_t, job.phase, False, None)
        record = job.record(
            status,
            self._clock.wall(end_t),
            end_estimated=end_estimated,
            status_estimated=status_estimated,
        )
        self._ledger.close(job, inferred=status_estimated)
        self.open = self._ending = None
        self._cancel_t = self._echo_t = None
        self._idle = 0
        self._tell("finished", record)

    # ---- across restarts --------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """JSON; the same text again and again while no job runs, so that nothing is rewritten."""
        self.urgent = False
        stored: dict[str, Any] = {"ledger": self._ledger.to_dict(), "echo": self._echo}
        if self.open is not None:
            stored["open"] = self.open.to_dict()
            stored["clock"] = self._clock.to_dict()
            stored["seen"] = self._seen_t
            stored["codes"] = list(self._codes)
            stored["cancel"] = self._cancel_t
            stored["echo_at"] = self._echo_t
            stored["ending"] = None if self._ending is None else asdict(self._ending)
        return stored

    def _restore(self, stored: Mapping[str, Any]) -> None:
        """Damaged details are left out; what is left of an open job goes on."""
        self._ledger.restore(stored.get("ledger"))
        self._echo = stored.get("echo") is True
        self.open = OpenJob.from_dict(stored.get("open"))
        if self.open is None:
            return
        self._clock = JobClock.from_dict(stored.get("clock"))
        t = self._clock.t
        seen = number(stored.get("seen"))
        self._seen_t = self._last_t = t if seen is None else min(seen, t)
        self._last_phase = JobPhase.ACTIVE
        codes = stored.get("codes")
        self._codes = [c for c in codes if isinstance(c, str)] if isinstance(codes, list) else []
        cancel, echo = number(stored.get("cancel")), number(stored.get("echo_at"))
        self._cancel_t = None if cancel is None else min(cancel, t)
        self._echo_t = None if echo is None else min(echo, t)
        ending = stored.get("ending")
        if isinstance(ending, dict):
            at = number(ending.get("t"))
            if at is not None:
                self._ending = Ending(min(at, t), ending.get("unseen") is True)
        self._lose_sight()

    def _note_codes(self, snapshot: PrinterSnapshot) -> None:
        self._codes = [fault.code for fault in snapshot.faults if isinstance(fault.code, str)][:64]
