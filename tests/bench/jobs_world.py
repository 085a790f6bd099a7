# Printers that live in virtual time, and a network that loses what they say
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``scenario(brand, seed)`` makes up a week in a printer's life and what of it was delivered.

The truth is a list of ``Run``; the delivery a list of ``Item``: reports (some dropped, some twice),
connection losses, restarts of our process and stops that we sent ourselves.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any, Optional

from moonfleet.core.model import (
    Fault,
    Job,
    JobPhase,
    JobReport,
    JobRules,
    PrinterSnapshot,
    PrintState,
    Severity,
)

START = 1_700_000_000.0
BRANDS = ("bambu cloud", "bambu lan", "prusa buddy", "prusa python")
RULES = {
    "bambu": JobRules(cancel_window=15.0, identity_settle=5.0),
    "prusa": JobRules(idle_confirmations=2, idle_status="cancelled", number_modulus=65536),
}
RUNNING = (JobPhase.ACTIVE, JobPhase.PAUSED)
STICKY = "0500_C011"  # a fault that has nothing to do with any job


@dataclass
class Run:
    index: int
    name: str
    identity: Optional[str]
    unique: bool
    number: Optional[int]
    start: float
    end: float
    outcome: str
    pauses: list[tuple[float, float]]
    system: bool = False
    echo: Optional[tuple[float, float]] = None  # when the cancel code stands in the register
    fault: Optional[str] = None
    our_stop: bool = False
    stale: float = 0.0  # s that it shows the numbers of the run before
    vanishes: bool = False  # no terminal state is ever shown

    def printed(self, until: float) -> float:
        until = min(until, self.end)
        paused = sum(max(0.0, min(b, until) - a) for a, b in self.pauses if a < until)
        return max(0.0, until - self.start - paused)

    @property
    def plan(self) -> float:
        """Print seconds that the whole file takes."""
        total = self.printed(self.end)
        return total if self.outcome == "completed" else total / 0.6


@dataclass
class Item:
    """Something that reaches us: a report (with the run it is about), or an incident."""

    t: float
    kind: str  # report, lost, restart, stop
    run: Optional[int] = None  # running or just ended
    phase: Optional[JobPhase] = None
    snapshot: Optional[PrinterSnapshot] = None
    echo: bool = False
    progress: Optional[float] = None


@dataclass
class Scenario:
    brand: str
    seed: int
    rules: JobRules
    runs: list[Run]
    items: list[Item] = field(default_factory=list)
    incidents: list[float] = field(default_factory=list)  # when we lost sight
    end: float = 0.0


def scenario(brand: str, seed: int) -> Scenario:
    rng = random.Random(f"{brand} {seed}")
    made = Scenario(brand, seed, RULES[brand.split()[0]], _runs(brand, rng))
    _deliver(made, rng)
    return made


def _runs(brand: str, rng: random.Random) -> list[Run]:
    runs: list[Run] = []
    t = START + rng.uniform(0, 60)
    number = rng.choice([1, 7, 65533, 65535]) if "prusa" in brand else None
    if rng.random() < 0.3:
        t -= 300  # already running at first contact
    for index in range(rng.randint(1, 5)):
        length = rng.choice([rng.uniform(185, 500), rng.uniform(500, 3000)])
        system = "bambu" in brand and rng.random() < 0.08
        outcome = rng.choices(["completed", "cancelled", "error"], [6, 3, 2])[0]
        name = rng.choice(["cube", "vase", f"part{index}"])
        cloud = brand == "bambu cloud"
        identity: Optional[str] = f"lan:{name}"
        if system:
            identity = "lan:auto_cali"
        elif cloud:
            identity = f"cloud:{seed_of(rng)}"
        elif number is not None:
            identity = f"serial:{'wrapped' if number < 100 and index else ''}:{number}"
        run = Run(
            index, name, identity, cloud or number is not None, number, t, t + length, outcome, []
        )
        run.system = system
        run.stale = rng.choice([0.0, 4.0, 8.0])
        for _ in range(rng.choice([0, 0, 1, 2])):
            a = rng.uniform(run.start + 5, run.end - 5)
            if all(not (x - 1 <= a <= y + 1) for x, y in run.pauses):
                later = [x for x, _ in run.pauses if x > a]
                b = min(a + rng.uniform(10, 120), min(later, default=run.end) - 1)
                if b > a:
                    run.pauses.append((a, b))
        run.pauses.sort()
        _ending(run, brand, rng)
        runs.append(run)
        pause = rng.choice([rng.uniform(6, 30), rng.uniform(30, 600), rng.uniform(600, 7200)])
        t = run.end + pause
        if number is not None:
            number = (number + 1 + (rng.randint(1, 3) if rng.random() < 0.1 else 0)) % 65536
    return runs


def seed_of(rng: random.Random) -> int:
    return rng.randrange(10**9, 10**10)


def _ending(run: Run, brand: str, rng: random.Random) -> None:
    run.vanishes = rng.random() < 0.05
    if run.outcome == "error":
        run.fault = rng.choice(["0300_8015", "0500_4003", None])
    if run.outcome != "cancelled":
        return
    run.our_stop = rng.random() < 0.4
    if "prusa" in brand:
        run.echo = (run.end - 8.0, run.end + 600.0) if run.our_stop else None
        return
    kind = rng.choice(["p1", "p2s", "same"])
    if kind == "p1":  # before FAILED, and gone soon after
        run.echo = (run.end - rng.uniform(6, 12), run.end + rng.uniform(0, 8))
    elif kind == "p2s":  # comes late, and stays
        run.echo = (run.end + 4.65, run.end + 1e6)
    else:
        run.echo = (run.end, run.end + 1e6)


# ---- what the printer says at a moment ------------------------------------------------------


def _say(made: Scenario, t: float, rng: random.Random) -> Item:
    past = [run for run in made.runs if run.start <= t]
    run = past[-1] if past else None
    faults = [STICKY]
    echo = any(r.echo is not None and r.echo[0] <= t < r.echo[1] for r in past[-1:])
    if run is None:
        return _report(made, t, None, JobPhase.NONE, None, faults, echo)
    if t < run.end:
        paused = any(a <= t < b for a, b in run.pauses)
        if "prusa" in made.brand and not paused and rng.random() < 0.02:
            return _report(made, t, run, JobPhase.HELD, None, faults, echo)
        progress = min(0.99, run.printed(t) / run.plan)
        stale = t - run.start < run.stale and "bambu" in made.brand and run.index > 0
        if stale:  # the numbers of the run before
            progress = 1.0 if made.runs[run.index - 1].outcome == "completed" else 0.6
        phase = JobPhase.PAUSED if paused else JobPhase.ACTIVE
        item = _report(made, t, run, phase, progress, faults, echo)
        if stale:
            item.progress = None  # shown, but not this run's
        return item
    if run.fault is not None:
        faults.append(run.fault)
    shown = {"prusa python": 11.0, "prusa buddy": 400.0}.get(made.brand, 1e9)
    if run.vanishes or t > run.end + shown:
        return _report(made, t, run, JobPhase.NONE, None, faults, echo)
    words = {"completed": JobPhase.COMPLETED, "error": JobPhase.FAILED}
    if "prusa" in made.brand:
        words["cancelled"] = JobPhase.CANCELLED
    return _report(made, t, run, words.get(run.outcome, JobPhase.FAILED), None, faults, echo)


_STATES = {
    JobPhase.NONE: PrintState.STANDBY,
    JobPhase.ACTIVE: PrintState.PRINTING,
    JobPhase.PAUSED: PrintState.PAUSED,
    JobPhase.HELD: PrintState.STANDBY,
    JobPhase.COMPLETED: PrintState.COMPLETE,
    JobPhase.FAILED: PrintState.ERROR,
    JobPhase.CANCELLED: PrintState.CANCELLED,
}


def _report(
    made: Scenario,
    t: float,
    run: Optional[Run],
    phase: JobPhase,
    progress: Optional[float],
    faults: list[str],
    echo: bool,
) -> Item:
    bambu = "bambu" in made.brand
    named = run if run is not None and (phase in RUNNING or bambu) else None
    job = None
    if named is not None:
        running = phase in RUNNING
        left = None
        if running and progress is not None:
            left = max(0.0, named.plan - named.printed(t))
            left = round(left / 60) * 60.0 if bambu else round(left)
        printed = None if bambu or not running else named.printed(t)
        job = Job(named.name, f"{named.name}.gcode", progress, left, printed)
    snapshot = PrinterSnapshot(
        state=_STATES[phase],
        job=job,
        faults=tuple(Fault(code, Severity.SERIOUS) for code in faults),
        job_report=JobReport(
            phase=phase,
            identity=named.identity if named else None,
            unique=bool(named and named.unique),
            number=named.number if named and phase in RUNNING else None,
            system=bool(named and named.system),
            cancel_echo=echo,
        ),
    )
    return Item(t, "report", None if run is None else run.index, phase, snapshot, echo, progress)


# ---- what of it reaches us ------------------------------------------------------------------


def _deliver(made: Scenario, rng: random.Random) -> None:
    last = made.runs[-1]
    made.end = last.end + rng.choice([30.0, 700.0])
    if rng.random() < 0.15:
        made.end = rng.uniform(last.start, last.end)  # it is still running when we look
    loss = rng.choice([0.0, 0.0, 0.02, 0.2])
    away = _absences(made, rng)
    items: list[Item] = [Item(a, kind) for a, _, kind in away]
    made.incidents = [a for a, _, _ in away]
    for run in made.runs:
        if run.our_stop and not any(a <= run.end - 8 <= b for a, b, _ in away):
            items.append(Item(run.end - 8.0, "stop", run.index))
    t = START
    while t < made.end:
        t += _pace(made, t) * rng.uniform(0.9, 1.1)
        if any(a <= t <= b for a, b, _ in away) or rng.random() < loss:
            continue
        said = _say(made, t, rng)
        items.append(said)
        if rng.random() < 0.05:
            items.append(said)
    made.items = sorted(
        (item for item in items if START <= item.t <= made.end), key=lambda item: item.t
    )


def _pace(made: Scenario, t: float) -> float:
    """Seconds to the next report; where nothing changes, fewer do as well as all."""
    near = any(-30 < t - edge < 40 for run in made.runs for edge in (run.start, run.end))
    if not near:
        return 20.0
    return 2.5 if "bambu" in made.brand else 5.0


def _absences(made: Scenario, rng: random.Random) -> list[tuple[float, float, str]]:
    away: list[tuple[float, float, str]] = []
    for _ in range(rng.choice([0, 0, 1, 2, 4])):
        a = rng.uniform(START, made.end)
        length = rng.choice([rng.uniform(1, 20), rng.uniform(20, 400), rng.uniform(400, 9000)])
        if all(b < a - 1 or a + length < x - 1 for x, b, _ in away):
            away.append((a, a + length, rng.choice(["lost", "restart"])))
    return away


def details(item: Item) -> dict[str, Any]:
    return {"t": round(item.t - START, 1), "kind": item.kind, "run": item.run, "phase": item.phase}
