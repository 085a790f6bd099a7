# The job tracker: reports in, started / paused / resumed / finished jobs out
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""One ``JobTracker`` per printer. It decides from what the printer says, never from silence.

docs/history.md states the rules in words; the scenario tables of tests/unit/jobs hold them. The
per-brand facts come with the reports (``JobReport``) and as ``JobRules``.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable, Optional

from . import jobs_meter as meter
from .jobs_ending import EndingTracker
from .jobs_record import PAUSED, PRINTING, JobEvent, JobRecord, OpenJob, number
from .model import JobPhase, JobReport, JobRules, PrinterSnapshot

__all__ = ["JobEvent", "JobRecord", "JobTracker", "OpenJob"]

UNSEEN = 60.0  # s without a report: what happened meanwhile was not watched
REOPEN_AFTER = 60.0  # s that a job seen to end must go on before it is believed
MERGE_WITHIN = 300.0  # s; a new id for the same print after a serial reconnect
SUSPECT = 60.0  # s after an absence in which falling progress means another run


@dataclass
class _Switch:
    """The open job goes on under a new identity, or another began: progress will tell."""

    t: float
    identity: str
    number: Optional[int]


class JobTracker(EndingTracker):
    """``observe`` each report, ``tick`` about once a second; both return what happened.

    ``open`` is the running job; ``to_dict`` is what the next process hands in as ``stored``.
    """

    def __init__(
        self,
        printer: str,
        rules: JobRules,
        stored: Optional[Mapping[str, Any]] = None,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex[:16],
    ) -> None:
        super().__init__(printer, rules)
        self._new_id = new_id
        self._suspect_until = 0.0
        self._switch: Optional[_Switch] = None
        self._comeback_t: Optional[float] = None  # an ended job seems to run again since
        if stored is not None:
            self._restore(stored)

    # ---- what comes in ----------------------------------------------------------------------

    def observe(
        self, snapshot: PrinterSnapshot, now: float, mono: Optional[float] = None
    ) -> list[JobEvent]:
        """One report. ``now`` is Unix time; ``mono`` makes corrections of the clock harmless."""
        self._advance(now, mono)
        report = snapshot.job_report
        self._hear_echo(report)
        if self.open is not None and self._clock.t - (self._last_t or 0.0) > UNSEEN:
            self._lose_sight()  # an idle printer may be silent for long, a printing one is not
        phase = report.phase
        if phase is JobPhase.NONE and snapshot.state is None:
            phase = JobPhase.HELD  # the printer has not said anything yet
        self._expire()
        if phase in (JobPhase.ACTIVE, JobPhase.PAUSED):
            self._running(snapshot, report)
        elif phase is not JobPhase.HELD:
            self._comeback_t = None
            self._settle_switch(snapshot)
            if phase is JobPhase.NONE:
                self._nothing()
            else:
                self._terminal(snapshot, report)
        elif self.open is not None and not self._absent:
            self._hold()
        self._note_codes(snapshot)
        self._last_t = self._clock.t
        if phase is not JobPhase.HELD:  # neither starts nor ends a job, nor says what went before
            self._last_phase = phase
            self._absent = False
        return self._drain()

    def tick(self, now: float, mono: Optional[float] = None) -> list[JobEvent]:
        """Time passes without a report: only windows that run out can change anything."""
        self._advance(now, mono)
        self._expire()
        return self._drain()

    def connection_lost(self, now: float, mono: Optional[float] = None) -> list[JobEvent]:
        """From here on nobody watches. Ends nothing."""
        self._advance(now, mono)
        self._lose_sight()
        return self._drain()

    def user_cancel(self, now: float, mono: Optional[float] = None) -> list[JobEvent]:
        """Our own stop was sent: an end within a minute is a cancel."""
        self._advance(now, mono)
        self._cancel_t, self.urgent = self._clock.t, True
        if self._ending is not None:
            self._close_failed(cancelled=True)
        return self._drain()

    def annotate(
        self,
        *,
        eta_error: Optional[float] = None,
        thumbnail: Optional[str] = None,
        notes: Optional[str] = None,
        correction: Optional[float] = None,
        grams: Optional[Mapping[tuple[Optional[int], int], float]] = None,
    ) -> None:
        """What others know of the open job: ``grams`` by (unit, slot) from the sliced file, and
        the ``correction`` of the printer's remaining time, whose success is put on record."""
        job = self.open
        if job is None:
            return
        job.eta_error = number(eta_error) if eta_error is not None else job.eta_error
        if correction is not None and 0.0 < (number(correction) or 0.0) < 100.0:
            job.correction = correction
        job.thumbnail = thumbnail or job.thumbnail
        job.notes = notes or job.notes
        for entry in job.filament:
            known = (grams or {}).get((entry.get("unit"), entry["slot"]))
            entry["grams"] = entry.get("grams") if known is None else number(known)

    def note_energy(self, reading: float) -> None:
        """kWh on a meter that only grows, unless it is set back. What ran while nobody looked is
        counted, for the last reading is stored with the job."""
        if self.open is not None and not self.open.start_estimated:
            meter.read_energy(self.open, reading)

    # ---- a job runs -------------------------------------------------------------------------

    def _running(self, snapshot: PrinterSnapshot, report: JobReport) -> None:
        self._idle = 0
        if report.system:
            if self._ending is not None:
                self._close_failed(cancelled=self._echo)
            elif self.open is not None and not self._same(report):
                self._end_unseen(next_t=self._clock.t)
            return
        if self._ending is not None and self.open is not None:
            if self.open.unique and self._same(report) and report.identity is not None:
                self._ending = None
            else:
                self._close_failed(cancelled=self._echo)
        if self.open is None:
            self._may_begin(snapshot, report)
        elif self._same(report):
            self._switch = None
            if self._is_rerun(snapshot):
                self._another(snapshot, report, None if self._absent else self._seen_t)
            else:
                self._continue(snapshot, report)
        elif self._clock.t - self._begun_t() <= self.rules.identity_settle:
            self._ledger.adopt(self.open, report)
            self._continue(snapshot, report)
        else:
            self._changed_identity(snapshot, report)

    def _same(self, report: JobReport) -> bool:
        """Nothing speaks against the report being about the open job."""
        assert self.open is not None
        if report.identity is None or report.identity == self.open.identity:
            return True
        if self.open.identity is None and not self._ledger.is_ended(report):
            self._ledger.adopt(self.open, report)
            return True
        return False

    def _begun_t(self) -> float:
        assert self.open is not None
        return self._seen_t - self.open.total_duration

    def _changed_identity(self, snapshot: PrinterSnapshot, report: JobReport) -> None:
        """Another job, unless the same print goes on under a new number."""
        job, t = self.open, self._clock.t
        assert job is not None and report.identity is not None
        if self._ledger.is_ended(report):
            return  # a stale report of the job before
        if self._switch is None or self._switch.identity != report.identity:
            recent = t - self._seen_t < MERGE_WITHIN and (job.progress or 0.0) < 0.99
            numbered = job.number is not None and report.number is not None
            if not (recent and numbered and job.progress_rose and report.renumbers):
                self._another(snapshot, report)
                return
            self._switch = _Switch(t, report.identity, report.number)
        shown = snapshot.job
        names = None if shown is None else (shown.filename or shown.name)
        if names is not None and names not in (job.filename, job.name):
            self._another(snapshot, report, self._switch.t)
            return
        value = meter.progress_of(shown)
        if value is None or names is None or value == job.progress:
            return  # not yet told, or still the value of the run before
        if value < (job.progress or 0.0):
            self._another(snapshot, report, self._switch.t)
            return
        self._switch = None
        self._ledger.adopt(job, report)
        self._continue(snapshot, report)

    def _settle_switch(self, snapshot: PrinterSnapshot) -> None:
        """It ended before progress could tell: the new number stands for a run of its own."""
        switch = self._switch
        if switch is not None and self.open is not None:
            report = JobReport(JobPhase.ACTIVE, switch.identity, True, switch.number)
            self._another(snapshot, report, switch.t)

    def _another(
        self, snapshot: PrinterSnapshot, report: JobReport, since: Optional[float] = None
    ) -> None:
        """The open job must have ended unseen, for another one runs (since ``since``)."""
        start_t = self._clock.t if since is None else since
        start_t = self._device_start(snapshot, start_t, self._absent)
        self._end_unseen(next_t=start_t)
        self._begin(snapshot, report, start_t, estimated=self._absent)

    def _is_rerun(self, snapshot: PrinterSnapshot) -> bool:
        """A reprint of the same file under the same name: its progress starts again."""
        job = self.open
        assert job is not None
        if job.unique:
            return False
        fell = meter.fell_back(job, snapshot.job)
        if fell and (self._absent or self._clock.t < self._suspect_until):
            return True
        value = meter.progress_of(snapshot.job)
        if not fell or value is None:
            if value is not None:
                job.dropped_to = None
            return False
        if job.dropped_to is None:
            job.dropped_to = value
            job.dropped_for = job.total_duration + self._clock.t - self._seen_t
            return False
        job.dropped_to = min(job.dropped_to, value)
        if value <= job.dropped_to + 0.005:
            return False
        # It grows again from below: what was counted since the fall belongs to the other run.
        extra = job.total_duration - job.dropped_for
        meter.take_back(job, extra)
        self._seen_t -= extra
        return True

    def _may_begin(self, snapshot: PrinterSnapshot, report: JobReport) -> None:
        t, ended = self._clock.t, self._ledger.ended
        if ended is None or not self._ledger.is_ended(report):
            start_t = t if self._comeback_t is None else self._comeback_t
            estimated = self._comeback_t is None and self._unwatched()
            self._begin(snapshot, report, start_t, estimated)
            return
        # The identity of a job that is already written down: stale, or it really goes on.
        if report.phase is JobPhase.PAUSED:
            return  # a question before the next print still names the last one
        if self._comeback_t is None:
            self._comeback_t = t
        wait = max(self.rules.identity_settle, 0.0 if self._ledger.inferred else REOPEN_AFTER)
        if t - self._comeback_t < wait or not self._ledger.is_last(report):
            return
        value = meter.progress_of(snapshot.job)
        if value is not None and value < (ended.progress or 0.0) - meter.DROP:
            # the device uses an identity twice after all
            self._begin(snapshot, report, self._comeback_t, estimated=False)
            return
        self.open, self._seen_t = ended, t
        ended.total_duration = max(ended.total_duration, self._clock.wall() - ended.start_time)
        ended.phase = PRINTING
        self._comeback_t = None
        self._started_here = False
        self._ledger.reopen()
        self._tell("resumed", ended.record())
        self._continue(snapshot, report)

    def _unwatched(self) -> bool:
        return self._absent or self._last_phase is None

    def _begin(
        self, snapshot: PrinterSnapshot, report: JobReport, start_t: float, estimated: bool
    ) -> None:
        t = self._clock.t
        start_t = self._device_start(snapshot, start_t, estimated)
        device = snapshot.job.print_duration if snapshot.job is not None else None
        job = OpenJob(self._new_id(), self.printer, self._clock.wall(start_t), estimated)
        job.total_duration = t - start_t
        job.print_duration = job.total_duration if device is None and not estimated else 0.0
        if self._last_t is None:
            self._note_codes(snapshot)  # whose they are cannot be known
        job.faults_before = list(self._codes)
        self._ledger.adopt(job, report)
        self.open, self._seen_t = job, t
        self._ending = self._switch = self._echo_t = self._comeback_t = None
        if not estimated:
            self._cancel_t = None  # it was meant for the job before
        self._started_here = True
        self._enter(snapshot, 0.0, 0.0)
        job.phase = PAUSED if report.phase is JobPhase.PAUSED else PRINTING
        job.counting = not report.preparing
        self._tell("started", job.record())
        if job.phase == PAUSED:
            self._tell("paused", job.record())

    def _device_start(self, snapshot: PrinterSnapshot, start_t: float, estimated: bool) -> float:
        """When the job began, with the help of the device's own print clock."""
        device = number(snapshot.job.print_duration) if snapshot.job is not None else None
        if device is None or not 0.0 <= device <= meter.LONGEST:
            return start_t
        began = min(start_t, self._clock.t - device)
        if not estimated and self._last_t is not None:
            return max(began, min(self._last_t, start_t))  # the report before knew nothing of it
        return began

    def _continue(self, snapshot: PrinterSnapshot, report: JobReport) -> None:
        job = self.open
        assert job is not None
        if self._absent:
            self._suspect_until = self._clock.t + SUSPECT
        phase = PAUSED if report.phase is JobPhase.PAUSED else PRINTING
        step = self._clock.t - self._seen_t
        left = number(snapshot.job.time_left) if snapshot.job is not None else None
        printed = job.print_duration
        meter.elapse(job, step, phase, self._absent, left)
        self._enter(snapshot, step, printed)
        before, job.phase = job.phase, phase
        job.counting = not report.preparing
        self._seen_t = self._clock.t
        if phase == PAUSED and before != PAUSED:
            self._tell("paused", job.record())
        elif phase == PRINTING and before == PAUSED:
            self._tell("resumed", job.record())

    def _hold(self) -> None:
        """Busy, and silent about the job: time passes, but it is neither printing nor paused."""
        job = self.open
        assert job is not None
        self._idle = 0
        meter.elapse(job, self._clock.t - self._seen_t, job.phase, False, None)
        job.counting = False
        self._seen_t = self._clock.t

    def _enter(self, snapshot: PrinterSnapshot, step: float, printed: float) -> None:
        job = self.open
        assert job is not None
        meter.device_time(job, snapshot.job.print_duration if snapshot.job else None, printed)
        meter.describe(job, snapshot.job)
        meter.advance(job, snapshot.job)
        meter.watch_heaters(job, snapshot, step)
        meter.watch_faults(job, snapshot)
        meter.watch_filament(job, snapshot.filament)
