# 2,000 made-up weeks per brand: no job lost, none twice, none wrong
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``python -m tests.bench.jobs [--count N] [--brand NAME] [--seed N -v]``

Plays randomised scenarios (jobs_world) through the tracker in virtual time, with dropped and
doubled reports, absences, and restarts from what was stored last, and compares the history with
what could be known (jobs_reference). Exit status 1 when a job is lost, doubled or wrong.
"""

from __future__ import annotations

import argparse
import collections
import json
import pathlib
import sys
import time
from dataclasses import dataclass, field
from typing import Optional

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "moonraker_components"))

from moonfleet.core.jobs import JobTracker  # noqa: E402
from moonfleet.core.jobs_record import JobRecord  # noqa: E402

from .jobs_reference import Expected, expect  # noqa: E402
from .jobs_world import BRANDS, START, Scenario, details, scenario  # noqa: E402

SAVE_EVERY = 60.0  # s; what a crash may cost
FAULTS = ("lost", "doubled", "wrong")
KNOWLEDGE = ("shown", "hinted at", "not shown", "not yet")


@dataclass
class History:
    """The last word on each job, and the run whose report began it."""

    records: dict[str, JobRecord] = field(default_factory=dict)
    began: dict[str, Optional[int]] = field(default_factory=dict)


def play(made: Scenario) -> History:
    history = History()
    tracker = JobTracker("p", made.rules)
    stored, saved = tracker.to_dict(), START
    for item in made.items:
        if item.kind == "restart":
            tracker = JobTracker("p", made.rules, json.loads(json.dumps(stored)))
            continue
        if item.kind == "lost":
            events = tracker.connection_lost(item.t)
        elif item.kind == "stop":
            events = tracker.user_cancel(item.t)
        else:
            assert item.snapshot is not None
            events = tracker.observe(item.snapshot, item.t)
        for event in events:
            history.records[event.record.job_id] = event.record
            if event.kind == "started":
                history.began[event.record.job_id] = item.run
        if events or tracker.urgent or item.t - saved >= SAVE_EVERY:
            stored, saved = tracker.to_dict(), item.t
    for event in tracker.tick(made.end + 1.0) + tracker.tick(made.end + 20.0):
        history.records[event.record.job_id] = event.record
    return history


def compare(made: Scenario, history: History) -> list[tuple[str, str]]:
    """(fault, words) for everything that is not as it must be."""
    wrong: list[tuple[str, str]] = []
    expected = expect(made)
    by_run: dict[Optional[int], list[JobRecord]] = collections.defaultdict(list)
    for job_id, record in history.records.items():
        by_run[history.began.get(job_id)].append(record)
    for place, one in enumerate(expected):
        mine = by_run.pop(one.run.index, [])
        if one.merged:
            if mine:
                wrong.append(("doubled", f"run {one.run.index} cannot be told from the one before"))
            continue
        if len(mine) != 1:
            fault = "lost" if not mine else "doubled"
            wrong.append((fault, f"run {one.run.index}: {len(mine)} records"))
            continue
        goes_on = any(later.merged for later in expected[place + 1 : place + 2])
        wrong += [("wrong", words) for words in _check(one, mine[0], goes_on)]
    wrong += [("doubled", f"{len(rest)} records for run {run}") for run, rest in by_run.items()]
    return wrong


def _knowledge(one: Expected) -> str:
    """What the delivery says of the end: one answer, several, none (a mark is due), no end."""
    if one.open:
        return "not yet"
    if one.status is None:
        return "not shown"
    return "shown" if len(one.status) == 1 else "hinted at"


def _check(one: Expected, record: JobRecord, goes_on: bool) -> list[str]:
    run, told = one.run, []

    def claim(good: bool, words: str) -> None:
        if not good:
            told.append(f"run {run.index} ({run.outcome}): {words}")

    claim(record.name == run.name, f"is called {record.name}")
    claim(
        one.start_watched is None or record.start_estimated == (not one.start_watched),
        f"start estimated: {record.start_estimated}, watched: {one.start_watched}",
    )
    if one.start_watched:
        claim(abs(record.start_time - run.start) <= one.start_slack, "a watched start is off")
    if goes_on:
        return told  # the next run of the same name is in this record, and nobody can know
    if one.open:
        claim(record.status == "in_progress", f"is {record.status} though nothing says it ended")
        return told
    marked = record.status_estimated or record.status == "interrupted"
    if one.status is None:
        claim(marked, f"is {record.status} without a mark")
    else:
        claim(record.status in one.status or marked, f"is {record.status}, not {one.status}")
        claim(len(one.status) > 1 or not marked, f"is marked though {one.status} was shown")
    claim(record.end_time is not None, "has no end")
    if one.end_watched and record.end_time is not None and not record.end_estimated:
        claim(abs(record.end_time - run.end) <= 61.0, "a watched end is off")
    if one.start_watched and one.end_watched and not one.gap_inside:
        slack = one.start_slack + 60.0 * (1 + 2 * len(run.pauses)) * 0.35
        printed = run.printed(run.end)
        claim(
            abs(record.print_duration - printed) <= slack,
            f"printed {record.print_duration:.0f} s, not {printed:.0f} s",
        )
    return told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=2000, help="scenarios per brand")
    parser.add_argument("--brand", choices=BRANDS)
    parser.add_argument("--seed", type=int, help="one scenario only")
    parser.add_argument("-v", "--verbose", action="store_true")
    args = parser.parse_args()
    bad = False
    for brand in [args.brand] if args.brand else BRANDS:
        began = time.monotonic()
        counts: collections.Counter[str] = collections.Counter()
        seeds = range(args.count) if args.seed is None else [args.seed]
        for seed in seeds:
            made = scenario(brand, seed)
            history = play(made)
            found = compare(made, history)
            counts["jobs"] += len(history.records)
            counts["reports"] += sum(item.kind == "report" for item in made.items)
            counts.update(fault for fault, _ in found)
            counts.update(_knowledge(one) for one in expect(made) if not one.merged)
            for fault, words in found if args.verbose or args.count <= 2000 else []:
                print(f"  {brand} seed {seed}: {fault}: {words}")
            if args.verbose and args.seed is not None:
                _show(made, history)
        result = ", ".join(f"{counts[fault]} {fault} (limit 0)" for fault in FAULTS)
        took = time.monotonic() - began
        print(
            f"{brand}: {len(seeds)} scenarios, {counts['reports']} reports, {counts['jobs']} jobs: "
            f"{result}; {took:.1f} s"
        )
        print("  of their ends: " + ", ".join(f"{counts[k]} {k}" for k in KNOWLEDGE))
        bad = bad or any(counts[fault] for fault in FAULTS)
    return int(bad)


def _show(made: Scenario, history: History) -> None:
    for run in made.runs:
        print(f"  {run.index}: {run.start - START:.1f} to {run.end - START:.1f} {run}")
    before = None
    for item in made.items:
        now = (item.kind, item.run, item.phase, item.echo)
        if now != before or item.kind != "report":
            print("   ", details(item), "echo" if item.echo else "", item.progress)
        before = now
    for record in history.records.values():
        print("  ", record)


if __name__ == "__main__":
    sys.exit(main())
