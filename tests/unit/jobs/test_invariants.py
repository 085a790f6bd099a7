# What must hold whatever a printer says, in whatever order
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Random reports without any sense: nothing is raised, and every record is possible."""

from __future__ import annotations

import random

import pytest

from .table import BAMBU, PRUSA, START, run

PHASES = (
    "none",
    "active",
    "active",
    "active",
    "paused",
    "held",
    "completed",
    "failed",
    "cancelled",
)
NEXT = {
    None: {"started"},
    "started": {"paused", "finished"},
    "paused": {"resumed", "finished"},
    "resumed": {"paused", "finished"},
    "finished": {"resumed"},  # an inferred end that was taken back
}


def nonsense(rng: random.Random) -> list[tuple]:
    rows: list[tuple] = []
    for _ in range(rng.randint(5, 120)):
        seconds = rng.choice([0, 0.1, 1, 5, 30, 70, 400, 90_000])
        what = rng.choice((*PHASES, *PHASES, *PHASES, "restart", "lost", "tick", "stop", "clock"))
        details: dict = {"by": rng.choice([-1e6, -60, 60, 1e6])}
        if what in PHASES:
            number = rng.choice([None, 1, 2, 3, 65535])
            details = {
                "id": rng.choice([None, "a", "b", f"n{number}"]),
                "unique": rng.random() < 0.7,
                "number": number,
                "system": rng.random() < 0.05,
                "echo": rng.random() < 0.1,
                "preparing": rng.random() < 0.1,
                "progress": rng.choice([None, 0.0, 0.01, 0.3, 0.31, 0.9, 1.0, 2.0]),
                "left": rng.choice([None, 0, 60, 3600, -5]),
                "printed": rng.choice([None, None, 0, 10, 1e5]),
                "layer": rng.choice([None, 0, 5, 900]),
                "layers": rng.choice([None, 100]),
                "name": rng.choice(["cube", "vase", None]),
                "faults": rng.choice([(), ("A",), ("A", "B")]),
                "heaters": rng.choice([{}, {"extruder": (20.0, 200.0)}]),
            }
        rows.append((seconds, what, details))
    return rows


@pytest.mark.parametrize("rules", [BAMBU, PRUSA], ids=["bambu", "prusa"])
@pytest.mark.parametrize("mono", [True, False])
def test_every_record_is_possible(rules, mono):
    for seed in range(300):
        seen = run(rules, nonsense(random.Random(f"{rules} {seed}")), mono=mono)
        last: dict[str, str] = {}
        for event in seen.events:
            record = event.record
            where = (seed, event)
            assert event.kind in NEXT[last.get(record.job_id)], where
            last[record.job_id] = event.kind
            assert (event.kind == "finished") == (record.end_time is not None), where
            assert (record.status == "in_progress") == (record.end_time is None), where
            assert record.total_duration >= 0 <= record.pause_duration, where
            assert record.print_duration >= 0, where
            worked = record.print_duration + record.pause_duration
            assert worked <= record.total_duration + 1e-3, where
            assert record.end_time is None or record.end_time >= record.start_time, where
            assert record.progress is None or 0 <= record.progress <= 1, where
            assert record.start_time < START + 2e8, where
        running = [job_id for job_id, kind in last.items() if kind != "finished"]
        still = seen.tracker.open
        assert running == ([] if still is None else [still.job_id]), seed
