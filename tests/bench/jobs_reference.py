# What could be known: computed from the truth and the delivery, without the tracker
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``expect(scenario)`` says for each run whether it could be seen and what of its end was shown.

Written against the words of docs/history.md alone. Where the delivered reports leave more than one
answer, the record has to carry a mark (or say ``interrupted``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from moonfleet.core.model import JobPhase

from .jobs_world import RUNNING, Item, Run, Scenario

WATCHED = 60.0  # s between two reports up to which nothing was missed
SURE = 120.0  # s in which no other run fits
WINDOW = 15.0
CREDIT = 60.0


@dataclass
class Expected:
    run: Run
    first: Item  # the first running report that was delivered
    last: Item  # the last one
    start_watched: Optional[bool]  # None: seen to change from one run to the next
    start_slack: float = 60.0
    open: bool = False  # nothing after its last report says that it ended
    status: Optional[frozenset[str]] = None  # determined: one of these, unmarked; None: marked
    end_watched: bool = False
    gap_inside: bool = False
    merged: bool = False  # cannot be told from the run before: no record of its own


def expect(made: Scenario) -> list[Expected]:
    reports = [item for item in made.items if item.kind == "report"]
    found: list[Expected] = []
    for run in made.runs:
        if run.system:
            continue
        places = [
            place
            for place, item in enumerate(reports)
            if item.run == run.index and item.phase in RUNNING
        ]
        if not places:
            continue
        expected = Expected(run, reports[places[0]], reports[places[-1]], False)
        before = _speaking(reports, places[0], -1)
        expected.start_watched = before is not None and _connected(made, before, expected.first)
        if before is not None:
            expected.start_slack = max(60.0, expected.first.t - before.t)
            if expected.start_watched and before.phase in RUNNING:
                expected.start_watched = None
        inside = [reports[place] for place in places]
        expected.gap_inside = any(not _watched(made, a, b) for a, b in zip(inside, inside[1:]))
        after = _speaking(reports, places[-1], 1)
        _judge(made, reports, expected, after)
        found.append(expected)
    _merge(made, reports, found)
    return found


def _speaking(reports: list[Item], place: int, step: int) -> Optional[Item]:
    """The next report in this direction that says something of jobs (a busy printer does not)."""
    place += step
    while 0 <= place < len(reports):
        if (
            reports[place].phase is not JobPhase.HELD
            and reports[place] is not reports[place - step]
        ):
            return reports[place]
        place += step
    return None


def _connected(made: Scenario, a: Item, b: Item) -> bool:
    """A printer that is idle may be silent; only a lost connection hides a start."""
    return not any(a.t < t <= b.t for t in made.incidents)


def _watched(made: Scenario, a: Item, b: Item) -> bool:
    """Nothing was missed between the two reports."""
    if b.t - a.t <= WATCHED:
        longest = 0.0
    else:
        times = [i.t for i in made.items if i.kind == "report" and a.t <= i.t <= b.t]
        longest = max((y - x for x, y in zip(times, times[1:])), default=0.0)
    absent = any(a.t < t <= b.t for t in made.incidents)
    return not absent and longest <= WATCHED


def _judge(made: Scenario, reports: list[Item], e: Expected, after: Optional[Item]) -> None:
    run = e.run
    if after is None:
        e.open = True
        return
    watched = _watched(made, e.last, after)
    e.end_watched = watched
    stopped = any(i.kind == "stop" and i.run == run.index for i in made.items)
    recent = stopped and 0 <= after.t - (run.end - 8.0) <= CREDIT
    told = recent or any(r.run == run.index and r.echo and r.phase in RUNNING for r in reports)
    if after.run != run.index and not (after.phase not in RUNNING and run.unique is False):
        e.status = _ANY if told else None
        return  # another run is on the printer: how this one ended was not told
    restarted = any(
        i.kind == "restart" and e.last.t - 70 < i.t <= after.t + WINDOW for i in made.items
    )
    if recent and not restarted:
        if after.phase is JobPhase.COMPLETED:
            return
        if after.phase is not JobPhase.NONE:
            sure = watched or after.t - e.last.t <= SURE or (run.unique and "bambu" in made.brand)
            e.status = frozenset({"cancelled"}) if sure else None
            return
        e.status = frozenset({"cancelled"})
        e.open = not _confirmed_idle(made, reports, after)
        return
    if after.phase is JobPhase.NONE:
        e.open = not _confirmed_idle(made, reports, after)
        if after.run == run.index and run.echo is not None:
            e.status = _ANY  # the cancel code may have been seen before the job was gone
        return
    named = run.unique and "bambu" in made.brand
    if after.run != run.index:
        return
    if not watched and not named and after.t - e.last.t > SURE:
        return
    if after.phase is JobPhase.COMPLETED:
        e.status = frozenset({"completed"})
    elif after.phase is JobPhase.CANCELLED:
        e.status = frozenset({"cancelled"})
    elif "prusa" in made.brand:
        e.status = frozenset({"error"})
    elif watched:
        e.status = _failed(made, reports, e, after)
    elif after.echo or run.fault is None:
        e.status = _ANY
    else:
        e.status = frozenset({"error"})


_ANY = frozenset({"completed", "cancelled", "error"})


def _failed(
    made: Scenario, reports: list[Item], e: Expected, after: Item
) -> Optional[frozenset[str]]:
    """FAILED was watched: an echo near it makes it a cancel; a window not watched leaves a mark."""
    near = [r for r in reports if after.t - WINDOW <= r.t <= after.t + WINDOW]
    rose = any(b.echo and not a.echo for a, b in zip(near, near[1:]))
    if e.run.outcome == "cancelled" and (rose or after.echo):
        return _ANY if _blind(made, after) else frozenset({"cancelled"})
    if _blind(made, after) or e.run.outcome == "cancelled":
        return _ANY  # the word that decides it was not delivered
    return frozenset({"error"})


def _blind(made: Scenario, after: Item) -> bool:
    end = after.t + WINDOW
    absent = any(i.kind in ("lost", "restart") and after.t <= i.t <= end for i in made.items)
    times = [i.t for i in made.items if i.kind == "report" and after.t <= i.t]
    return absent or not times or times[-1] < end


def _confirmed_idle(made: Scenario, reports: list[Item], after: Item) -> bool:
    """The brand's number of reports without a job, in one sitting, before anything else."""
    count = 0
    last = after
    for item in reports[reports.index(after) :]:
        if item.phase is not JobPhase.NONE:
            return item.phase is not JobPhase.HELD or count >= made.rules.idle_confirmations
        count = count + 1 if _watched(made, last, item) else 1
        last = item
        if count >= made.rules.idle_confirmations:
            return True
    return False


def _merge(made: Scenario, reports: list[Item], found: list[Expected]) -> None:
    """Two runs of one name with nothing seen between them, and no progress that fell back."""
    for a, b in zip(found, found[1:]):
        same = a.run.identity == b.run.identity and not a.run.unique
        between = [
            r for r in reports if a.last.t < r.t < b.first.t and r.phase is not JobPhase.HELD
        ]
        if not same or between:
            continue
        mine = [r.progress for r in reports if r.run == a.run.index and r.progress is not None]
        theirs = [r for r in reports if r.run == b.run.index and r.progress is not None]
        top = max(mine, default=0.0)
        first = theirs[0].progress if theirs else None
        fell = any((r.progress or 0.0) < top - 0.02 for r in theirs)
        b.merged = not fell or first is None
