# Random lives of a printer, polled through the real protocol into the real tracker
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Virtual time: the emulated machine, its server's documents, ``PrinterMemory`` and ``JobTracker``.

The world keeps the truth: which job ran, how it ended, and which polls could see it.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, Optional

from moonfleet.bridges.prusalink.bridge import PrusaLinkBridge
from moonfleet.bridges.prusalink.protocol.ledger import JobLedger
from moonfleet.bridges.prusalink.protocol.memory import PrinterMemory
from moonfleet.bridges.prusalink.schedule import Pace, poll_delay
from moonfleet.core.jobs import JobEvent, JobRecord, JobTracker
from moonfleet.core.model import PrinterSnapshot

from tests.emulators.prusalink.buddy import Buddy
from tests.emulators.prusalink.faults import Faults
from tests.emulators.prusalink.files import Storage, StoredFile
from tests.emulators.prusalink.machine import Machine
from tests.emulators.prusalink.python_server import PythonServer

WALL = 1_800_000_000.0
PACE = Pace()
OUTCOMES = {"FINISHED": "completed", "STOPPED": "cancelled", "ERROR": "error"}
FILES = ("a.gcode", "b.gcode")  # few, so that reprints are common


@dataclass
class Run:
    """The truth about one job."""

    number: int
    id: int
    seen: bool = False  # a poll showed it running
    outcome: Optional[str] = None
    determined: bool = False  # a watched poll showed its end, nothing between
    stopped: bool = False  # we sent the stop
    started_at: float = 0.0
    ended_at: float = 0.0
    records: list[str] = field(default_factory=list)  # job ids in the history


class World:
    def __init__(self, seed: int, python: bool) -> None:
        self.random = random.Random(seed)
        self.python = python
        self.t = 1000.0
        self.wall = WALL  # the host's clock jumps; the monotonic one does not
        self.happened: Counter[str] = Counter()
        self.machine = Machine(1.0, 600.0, self._window, lambda: self.t, self._first_id())
        self.machine.step = 2.0  # nobody looks at the temperatures here
        for name in FILES:
            self._storage.add(StoredFile(name, 1000, 1))
        kind = PythonServer if python else Buddy
        self.server: Any = kind(self.machine, self._storage, Faults(), "X", "SERIAL-1")
        self.memory = PrinterMemory()
        self.ledger_text: Optional[str] = None
        self.tracker = JobTracker("mk", PrusaLinkBridge.rules)
        self.snapshot = PrinterSnapshot()
        self.connected = False
        self.runs: list[Run] = []
        self.live: Optional[Run] = None
        self.last_file = ""
        self.last: Optional[Run] = None  # ended last
        self.watched = False  # no gap since the last poll that showed the live run
        self.finished: dict[str, JobRecord] = {}
        self.next_poll = self.t
        self._ended_at: Optional[float] = None
        self._cancel_sent = 0.0
        self.connect()

    _storage = Storage()

    def _window(self) -> Optional[float]:
        return 11.0 if self.python else None

    def _first_id(self) -> int:
        return self.random.choice((1, 40, 65533, 65535) if not self.python else (1, 40, 70000))

    # -- the bridge's side ------------------------------------------------------------------

    def connect(self) -> None:
        self.memory.take_version(self.server._version())
        self.memory.take_info(self.server._info())
        self.connected = True
        self.next_poll = self.t

    def lose(self) -> None:
        self.connected = False
        self.watched = False
        self.happened["offline"] += 1
        self._events(self.tracker.connection_lost(self.wall + self.t, self.t))

    def restart(self) -> None:
        """The bridge's process: what was stored is all that is left."""
        self.happened["bridge restart"] += 1
        self.watched = False
        stored = self.tracker.to_dict()
        self.tracker = JobTracker("mk", PrusaLinkBridge.rules, stored)
        self.memory = PrinterMemory(ledger=JobLedger.from_text(self.ledger_text))
        self.snapshot = PrinterSnapshot()
        self._ended_at = None
        self.connect()

    def poll(self) -> None:
        self.sync()
        self.machine.advance()
        self.sync()
        document = self.server._status()
        snapshot = self.memory.take_status(document)
        assert snapshot is not None
        if self.memory.wants_file and self.machine.job is not None:
            self.memory.take_job(self.server._job())
            snapshot = self.memory.snapshot()
        if snapshot.state is not self.snapshot.state:
            self._ended_at = self.t
        self.snapshot = snapshot
        self._note(document)
        self._events(self.tracker.observe(snapshot, self.wall + self.t, self.t))
        self.ledger_text = self.memory.ledger.to_text()
        delay = poll_delay(
            PACE,
            snapshot,
            self.memory.flavour,
            heating=self.memory.heating(),
            waiting=self.t < self._cancel_sent + 30.0,
            since_end=None if self._ended_at is None else self.t - self._ended_at,
        )
        self.next_poll = self.t + delay * self.random.uniform(0.9, 1.1)

    def _note(self, document: dict[str, Any]) -> None:
        """What this poll could see."""
        state = document["printer"]["state"]
        if self.live is not None:
            if "job" in document and state in ("PRINTING", "PAUSED", "ATTENTION"):
                self.live.seen = self.watched = True
            return
        ended = self.last
        if ended is not None and self.watched and OUTCOMES.get(state) == ended.outcome:
            ended.determined = True
        self.watched = False

    def _events(self, events: list[JobEvent]) -> None:
        for event in events:
            record = event.record
            if event.kind == "started":
                run = self.live or self.last
                assert run is not None, "a job out of thin air"
                run.records.append(record.job_id)
            elif event.kind == "finished":
                self.finished[record.job_id] = record
            elif event.kind == "resumed":
                self.finished.pop(record.job_id, None)

    # -- the printer's side -----------------------------------------------------------------

    def sync(self) -> None:
        """Note in the truth what the machine did by itself."""
        if self.live is not None and self.machine.job is None:
            self.live.outcome = OUTCOMES.get(self.machine.last_end or "", "vanished")
            self.live.ended_at = self.t
            self.happened[self.live.outcome] += 1
            self.last, self.live = self.live, None

    def let(self, seconds: float) -> None:
        end = self.t + seconds
        while self.t < end:
            if self.connected and self.next_poll <= end:
                self.t = max(self.t, self.next_poll)
                self.poll()
            else:
                while self.t < end:  # nobody polls, but the machine lives on
                    self.t = min(end, self.t + 2.0)
                    self.machine.advance()
                    self.sync()

    def start(self) -> None:
        machine = self.machine
        machine.dismiss()
        self.sync()
        share = self.random.uniform(0.1, 3.0)
        file = replace(self._storage.files[self.random.choice(FILES)], share=share)
        if machine.start_print(file):
            assert machine.job is not None
            machine.job.printing = True
            self.live = Run(len(self.runs), machine.job.id, started_at=self.t)
            self.happened["start"] += 1
            if self.last is not None and self.last_file is file.path:
                self.happened["reprint"] += 1
            if self.last is not None and machine.job.id < self.last.id:
                self.happened[
                    "wrap" if machine.job.id < 10 < 65000 < self.last.id else "board"
                ] += 1
            self.last_file = file.path
            self.runs.append(self.live)
            self.watched = False

    def cancel(self, ours: bool) -> None:
        if self.machine.job is None:
            return
        if ours and self.connected and self.snapshot.state is not None:
            self.memory.note_cancel()
            if self.live is not None:
                self.live.stopped = True
            self._cancel_sent = self.t
            self._events(self.tracker.user_cancel(self.wall + self.t, self.t))
        self.machine.stop()

    def step(self) -> None:
        """One random thing, and some time."""
        pick, machine = self.random.random(), self.machine
        running = machine.job is not None
        if not running and machine.state in ("IDLE", "FINISHED", "STOPPED", "READY"):
            if pick < 0.75:
                self.start()
            elif pick < 0.85 and not self.python and 5 < machine.next_id < 1000:
                machine.next_id = 1  # another board
        elif machine.state == "ERROR":
            machine.reboot()
        elif pick < 0.10:
            machine.pause()
            self.happened["pause"] += 1
            self.let(self.random.uniform(5, 200))
            machine.resume()
        elif pick < 0.20:
            self.cancel(ours=self.random.random() < 0.5)
        elif pick < 0.25:
            machine.fail("Firmware detected a hardware issue") if self.python else machine.vanish()
        elif pick < 0.35 and machine.state == "PRINTING":
            machine.busy()
            self.let(self.random.uniform(5, 90))
            if machine.state == "BUSY":
                machine.busy(False)
        elif pick < 0.45 and machine.state == "PRINTING":
            machine.attention()
            self.let(self.random.uniform(5, 90))
            if machine.state == "ATTENTION":
                machine.attention(False)
        self.sync()
        self._trouble()
        self.let(self.random.choice((3.0, 20.0, 90.0, 400.0)))

    def _trouble(self) -> None:
        pick = self.random.random()
        if pick < 0.12:
            self.lose()
            for _ in range(self.random.randrange(1, 4)):  # and nobody sees what happens
                if self.machine.job is None and self.random.random() < 0.6:
                    self.start()
                elif self.random.random() < 0.3:
                    self.cancel(ours=False)
                self.let(self.random.choice((10.0, 200.0, 1500.0)))
            self.connect()
        elif pick < 0.17:
            self.restart()
        elif pick < 0.20 and self.machine.job is not None:
            self.lose()  # power panic: the printer is away, then goes on with the same id
            self.machine.busy()
            self.let(self.random.uniform(20, 300))
            self.machine.busy(False)
            self.connect()
        elif pick < 0.23 and self.machine.job is not None:
            self.happened["reboot"] += 1
            self.lose()  # switched off in a print: it comes back without the job
            self.machine.reboot()
            self.sync()
            self.let(self.random.uniform(20, 300))
            self.connect()
        elif pick < 0.26:
            self.happened["clock"] += 1
            self.wall += self.random.choice((-7200.0, 3600.0, 30 * 86400.0))

    def live_on(self, steps: int) -> None:
        for _ in range(steps):
            self.step()
        if self.machine.job is not None and self.machine.state != "PRINTING":
            self.machine.state = "PRINTING"
        self.let(2500.0)  # whatever runs comes to its end
        self.sync()
        self.let(60.0)
