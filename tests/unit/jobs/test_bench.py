# A small part of the randomised bench, so that it cannot rot
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
from __future__ import annotations

import pytest

from tests.bench.jobs import compare, play
from tests.bench.jobs_world import BRANDS, scenario


@pytest.mark.parametrize("brand", BRANDS)
def test_no_job_is_lost_doubled_or_wrong(brand):
    found = []
    for seed in range(10_000, 10_025):
        made = scenario(brand, seed)
        found += [(seed, *fault) for fault in compare(made, play(made))]
    assert found == []


def test_the_reference_notices_a_lost_job():
    made = scenario(BRANDS[0], 1)
    history = play(made)
    history.records.pop(next(iter(history.records)))
    assert [fault for fault, _ in compare(made, history)] == ["lost"]


def test_the_reference_notices_a_wrong_outcome():
    from dataclasses import replace

    made = scenario(BRANDS[0], 1)
    history = play(made)
    job_id, record = next(iter(history.records.items()))
    wrong = "cancelled" if record.status == "error" else "error"
    history.records[job_id] = replace(record, status=wrong)
    assert {fault for fault, _ in compare(made, history)} == {"wrong"}
