# Hundreds of random job stories per flavour: nothing lost, nothing invented
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Every job that a poll saw stands exactly once in the history, with the outcome that was seen."""

from __future__ import annotations

from collections import Counter

import pytest

from .world import World

BLOCK = 55  # seeds per test; four of them are 220 stories per flavour
STEPS = 12
SEEN_LATE = 30.0  # s: an end is seen with the next poll
EVERYWHERE = {
    "start", "pause", "cancelled", "completed", "offline", "reboot", "reprint", "bridge restart",
    "clock", "vanished",
}  # fmt: skip


@pytest.mark.parametrize("block", range(4))
@pytest.mark.parametrize("flavour", ["buddy", "python"])
def test_stories(flavour: str, block: int) -> None:
    jobs = determined = 0
    happened: Counter[str] = Counter()
    for seed in range(block * BLOCK, (block + 1) * BLOCK):
        world = World(seed, flavour == "python")
        world.live_on(STEPS)
        jobs += len(world.runs)
        determined += sum(run.determined for run in world.runs)
        happened += world.happened
        check(world, f"{flavour} seed {seed}")
    assert jobs > 3 * BLOCK and determined > BLOCK, "the stories are too dull"
    told = EVERYWHERE | ({"wrap"} if flavour == "buddy" else {"error"})
    assert told <= set(happened), "something never happened"


def check(world: World, where: str) -> None:
    for run in world.runs:
        label = f"{where}: run {run.number} (id {run.id}, {run.outcome})"
        if not run.seen:
            assert not run.records, f"{label} was invented"
            continue
        assert len(run.records) == 1, f"{label} stands {len(run.records)} times in the history"
        record = world.finished.get(run.records[0])
        assert record is not None, f"{label} never ended"
        if run.determined:
            right = (record.status, record.status_estimated) == (run.outcome, False)
        else:
            marked = record.status_estimated or record.end_estimated
            ours = run.stopped and record.status == "cancelled"  # we sent the stop ourselves
            right = marked or ours or record.status == "interrupted"
        assert right, f"{label} became {record.status}"
        if run.determined and not record.start_estimated:
            lived = run.ended_at - run.started_at
            assert 0.0 <= record.total_duration <= lived + SEEN_LATE, f"{label}: the clock jumped"
    check_missed(world, where)


def check_missed(world: World, where: str) -> None:
    """Runs that nobody saw are counted where the printer's counter shows them."""
    before = None
    unseen = 0
    for run in world.runs:
        if not run.seen:
            unseen += 1
            continue
        missed = world.finished[run.records[0]].missed_before
        if before is not None and (run.id - before.id) % world.machine.id_modulus == unseen + 1:
            assert missed == unseen, f"{where}: run {run.number}: {missed} of {unseen} missed"
        else:
            assert missed == 0, f"{where}: run {run.number}: {missed} made up"
        before, unseen = run, 0
