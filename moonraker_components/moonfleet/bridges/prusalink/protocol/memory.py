# From single answers to snapshots: what has to be remembered between two polls
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``PrinterMemory`` takes the server's answers one by one and says what the printer is.

It knows where the servers lie: the Python server starts a job with the progress of the last one and
drops it to 0 while it asks for attention; both forget the job in the instant it ends.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Optional

from ....core.model import (
    Accepts,
    Fault,
    Filament,
    Job,
    JobPhase,
    JobReport,
    PrinterSnapshot,
    PrintState,
    Severity,
    Slot,
)
from .identity import Flavour, Identity, parse_serial, parse_version
from .ledger import JobLedger
from .legacy import parse_material, parse_old_job, parse_printer
from .progress import ProgressGuard
from .status import FileFacts, JobFacts, StatusFacts, job_flavour, parse_job, parse_status

ATTENTION = "the printer waits for an answer at its own screen"
HEATING_GAP = 5.0  # C below the target: the print has not begun
_RUNNING = (PrintState.PRINTING, PrintState.PAUSED)
_PLAIN = {
    "IDLE": (PrintState.STANDBY, JobPhase.NONE),
    "READY": (PrintState.STANDBY, JobPhase.NONE),
    "PRINTING": (PrintState.PRINTING, JobPhase.ACTIVE),
    "PAUSED": (PrintState.PAUSED, JobPhase.PAUSED),
    "FINISHED": (PrintState.COMPLETE, JobPhase.COMPLETED),
    "STOPPED": (PrintState.CANCELLED, JobPhase.CANCELLED),
    "ERROR": (PrintState.ERROR, JobPhase.FAILED),
}
NO_SERIAL = "-"
IDLE_CONFIRMATIONS = 2  # polls without a job before its end is believed


class PrinterMemory:
    """One printer. ``model`` is the configured name; the printer's own word is used without it."""

    def __init__(self, model: Optional[str] = None, ledger: Optional[JobLedger] = None) -> None:
        self.ledger = ledger or JobLedger()
        self.flavour: Optional[Flavour] = None
        self.firmware: Optional[str] = None
        self._configured = model or None
        self._model: Optional[str] = None
        self._material: Optional[str] = None
        self._facts = StatusFacts()
        self._state: Optional[PrintState] = None
        self._phase = JobPhase.NONE
        self._known = False  # a status was understood
        self._run: Optional[tuple[str, int]] = None  # identity, number of the job on show
        self._job_id: Optional[int] = None
        self._guard = ProgressGuard()
        self._job: Optional[JobFacts] = None
        self._file: Optional[FileFacts] = None
        self._idle_polls = 0
        self._cancelled_id: Optional[int] = None
        self._renumbers = False

    # -- answers -----------------------------------------------------------------------------

    def take_version(self, document: Any) -> Optional[Identity]:
        identity = parse_version(document)
        if identity is not None and identity.refusal is None:
            self.flavour, self.firmware = identity.flavour, identity.firmware
            self._model = identity.model
        return identity

    def take_info(self, document: Any) -> None:
        serial = parse_serial(document)
        if serial is None and (self.flavour is Flavour.BUDDY or self.firmware is not None):
            serial = NO_SERIAL  # it will not say more than this; its ids must do
        self.ledger.use_serial(serial)

    def take_material(self, document: Any) -> None:
        self._material = parse_material(document)

    def take_status(self, document: Any) -> Optional[PrinterSnapshot]:
        """None when the document is no status; nothing is changed then."""
        facts = parse_status(document)
        if facts is None:
            return None
        if self.flavour is None:
            self.flavour = facts.flavour
        self._know(facts)
        return self.snapshot()

    def take_job(self, document: Any) -> bool:
        """``/api/v1/job``: whether it describes the job on show (or the first one heard of)."""
        parsed = parse_job(document)
        if parsed is None:
            return False
        state, job, file = parsed
        if self.flavour is None:
            self.flavour = job_flavour(document)
        if not self._known:
            self._know(StatusFacts(state=state, job=job))
        elif job.id != self._job_id:
            return False
        self._file = file
        return True

    def take_old_printer(self, document: Any) -> bool:
        """``/api/printer`` of firmware without the v1 interface."""
        facts = parse_printer(document)
        if facts is None:
            return False
        self.take_material(document)
        if facts.state == "ATTENTION":
            # this answer never says whether a job waits behind the question
            facts = replace(facts, state=None)
        self._know(facts)
        return True

    def take_old_job(self, document: Any) -> bool:
        parsed = parse_old_job(document)
        if parsed is None:
            return False
        self._known = True
        self._state, self._job, self._file = parsed
        if self._state not in _RUNNING:
            self._job = self._file = None
        return True

    # -- questions ---------------------------------------------------------------------------

    @property
    def wants_file(self) -> bool:
        return self._job is not None and self._file is None

    @property
    def job_id(self) -> Optional[int]:
        """The id that a command about the job has to name."""
        return self._facts.job.id if self._facts.job is not None else None

    @property
    def file(self) -> Optional[FileFacts]:
        return self._file

    @property
    def word(self) -> Optional[str]:
        """The server's own word for the state."""
        return self._facts.state

    def note_cancel(self) -> None:
        """A stop was sent for the job on show; the printer goes on PRINTING until it has parked."""
        self._cancelled_id = self._job_id

    # -- the snapshot ------------------------------------------------------------------------

    def snapshot(self) -> PrinterSnapshot:
        model = self._configured or self._model
        if not self._known:
            return PrinterSnapshot(model=model, firmware=self.firmware, filament=self._filament())
        facts = self._facts
        return PrinterSnapshot(
            state=self._state,
            message=self._message(),
            stage=self._stage(),
            heaters=facts.heaters,
            speed_factor=facts.speed_factor,
            job=self._shown_job(),
            filament=self._filament(),
            faults=self._faults(),
            firmware=self.firmware,
            model=model,
            accepts_commands=Accepts.YES,
            job_report=self._report(),
        )

    def _know(self, facts: StatusFacts) -> None:
        self._known = True
        self._facts = facts
        job = facts.job
        if job is not None and facts.state == "ATTENTION" and self._is_over(job.id):
            job = None  # a question before the next print still names the last job
        self._enter_state(facts.state, job)
        if job is not None:
            self._enter_job(job)
        elif self._state not in (PrintState.COMPLETE, PrintState.CANCELLED, *_RUNNING):
            self._job = self._file = None

    def _is_over(self, job_id: Optional[int]) -> bool:
        return job_id is not None and job_id == self.ledger.ended_id

    def _enter_state(self, word: Optional[str], job: Optional[JobFacts]) -> None:
        before = self._state
        if word in _PLAIN:
            self._state, self._phase = _PLAIN[word]
        elif word == "ATTENTION" and job is not None:
            self._state, self._phase = PrintState.PAUSED, JobPhase.PAUSED
        elif word == "ATTENTION":
            self._phase = JobPhase.HELD
            if before is PrintState.PRINTING:
                self._state = PrintState.PAUSED
            elif before is None:
                self._state = PrintState.STANDBY
        elif word == "BUSY":
            self._phase = JobPhase.HELD
            if before not in _RUNNING:
                self._state = PrintState.STANDBY
        else:
            self._phase = JobPhase.HELD  # a word nobody knows yet: keep what was
        self._idle_polls = self._idle_polls + 1 if self._phase is JobPhase.NONE else 0
        ended = self._phase in (JobPhase.COMPLETED, JobPhase.CANCELLED, JobPhase.FAILED)
        if (ended or self._idle_polls >= IDLE_CONFIRMATIONS) and self._job_id is not None:
            self.ledger.ended_id = self._job_id

    def _enter_job(self, job: JobFacts) -> None:
        if job.id is not None and job.id != self._job_id:
            # a MK3 that loses its serial line goes on from its SD card, and gets a new id for it
            self._renumbers = self._file is not None and self._file.origin == "sdcard"
            self._job_id, self._run = job.id, None
            self._guard = ProgressGuard()
            self._file = None
        elif job.id is None and self._job is None:
            self._job_id = self._run = None  # a job whose id the server has not read yet
            self._guard = ProgressGuard()
            self._file = None
        if job.id is not None and self._run is None and self.ledger.serial is not None:
            # before the server knows whose ids these are, the job has no name
            self._run = self.ledger.enter(job.id, self.flavour)
        self._job = self._guard.apply(
            job,
            lies=self.flavour is Flavour.PYTHON,
            asking=self._facts.state == "ATTENTION",
        )

    def _report(self) -> JobReport:
        over = self._phase is JobPhase.NONE
        run = None if over else self._run
        return JobReport(
            phase=self._phase,
            identity=run[0] if run else None,
            unique=run is not None,
            number=run[1] if run else None,
            cancel_echo=self._cancelled_id is not None and self._cancelled_id == self._job_id,
            renumbers=self._renumbers,
        )

    def _shown_job(self) -> Optional[Job]:
        if self._job is None:
            return None
        file = self._file or FileFacts()
        complete = self._state is PrintState.COMPLETE
        return Job(
            name=file.name,
            filename=file.filename,
            progress=1.0 if complete else self._job.progress,
            time_left=0.0 if complete else self._job.time_left,
            print_duration=self._job.print_duration,
            origin=file.origin,
        )

    def _message(self) -> Optional[str]:
        if self._facts.message is not None:
            return self._facts.message
        if self._facts.dialog is not None:
            return f"{ATTENTION} (code {self._facts.dialog})"
        return ATTENTION if self._facts.state == "ATTENTION" else None

    def _stage(self) -> Optional[str]:
        word = self._facts.state
        if word in ("READY", "BUSY", "ATTENTION"):
            return word.lower()
        if word == "ERROR":
            return "error, temperatures are the last known"
        if self._state is not PrintState.PRINTING:
            return None
        if self._cancelled_id is not None and self._cancelled_id == self._job_id:
            return "cancelling"
        if self._job is not None and not self._job.progress and self.heating():
            return "preparing"
        return None

    def heating(self) -> bool:
        """Whether a heater is clearly below its target; after an error the values are old."""
        return self._facts.state != "ERROR" and any(
            heater.temperature is not None
            and heater.target is not None
            and heater.target - heater.temperature > HEATING_GAP
            for heater in self._facts.heaters.values()
        )

    def _faults(self) -> tuple[Fault, ...]:
        code = self._facts.dialog
        if code is None:
            return ()
        url = f"https://prusa.io/{code}" if code.isdigit() and len(code) == 5 else None
        return (Fault(code=code, severity=Severity.COMMON, url=url),)

    def _filament(self) -> Optional[Filament]:
        if self._material is None:
            return None
        spool = Slot(index=0, present=True, material=self._material)
        return Filament(external=(spool,), active={"extruder": (None, 0)})
