# The rules of a job's life as PrusaLink needs them
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Ids that count, ends that last eleven seconds or are never shown, questions under an old id."""

from __future__ import annotations

import pytest

from .table import PRUSA, START, run


def job(number: int, **details):
    return {"id": f"s:{number}", "number": number, "name": "cube", **details}


RUNNING = [
    (0, "none"),
    (5, "active", job(7, progress=0.0, left=1000, printed=1)),
    (5, "active", job(7, progress=0.1, left=900, printed=6)),
]


@pytest.mark.parametrize(
    ("rows", "status"),
    [
        pytest.param([(5, "completed", job(7))], "completed", id="FINISHED"),
        pytest.param([(5, "completed")], "completed", id="FINISHED, the job object is gone"),
        pytest.param([(5, "cancelled")], "cancelled", id="STOPPED"),
        pytest.param([(5, "failed")], "error", id="ERROR"),
        pytest.param([(5, "failed", {"echo": True})], "cancelled", id="ERROR while stopping"),
        pytest.param([(5, "none"), (5, "none")], "cancelled~", id="gone, twice idle"),
        pytest.param([(1, "stop"), (5, "none"), (5, "none")], "cancelled", id="gone, our stop"),
        pytest.param(
            [
                (50, "active", job(7, progress=0.97, left=20)),
                (30, "none"),
                (5, "none"),
            ],
            "completed~",
            id="gone when it was due",
        ),
        pytest.param(
            [
                (50, "active", job(7, progress=0.995, left=None)),
                (30, "none"),
                (5, "none"),
            ],
            "completed~",
            id="gone at 99.5 %",
        ),
        pytest.param([(0, "lost"), (400, "none"), (5, "none")], "interrupted~", id="away, gone"),
        pytest.param([(0, "lost"), (4000, "none"), (5, "none")], "completed~", id="away, was due"),
    ],
)
def test_how_it_ended(rows, status):
    seen = run(PRUSA, [*RUNNING, *rows])
    assert seen.statuses == [status]
    assert seen.kinds == "started finished"


@pytest.mark.parametrize(("away", "status"), [(100, "completed"), (3600, "completed~")])
def test_an_end_after_an_absence_may_be_another_jobs(away, status):
    """FINISHED comes without a job: after a long absence it may be one that nobody saw."""
    seen = run(PRUSA, [*RUNNING, (0, "lost"), (away, "completed", job(7))])
    assert seen.statuses == [status]


def test_one_idle_poll_ends_nothing():
    seen = run(PRUSA, [*RUNNING, (5, "none"), (5, "active", job(7)), (5, "none")])
    assert seen.kinds == "started"


def test_busy_between_idle_polls_starts_the_count_again():
    seen = run(PRUSA, [*RUNNING, (5, "none"), (5, "held"), (5, "none")])
    assert seen.kinds == "started"


def test_an_unseen_end_lies_where_it_was_predicted():
    seen = run(PRUSA, [*RUNNING, (0, "lost"), (4000, "none"), (5, "none")])
    assert seen.only.end_time == START + 910
    assert seen.only.end_estimated


def test_the_same_id_after_an_absence_is_the_same_job():
    seen = run(
        PRUSA,
        [
            *RUNNING,
            (0, "lost"),
            (900, "held"),
            (5, "active", job(7, progress=0.2, printed=60)),
            (5, "completed"),
        ],
    )
    assert seen.statuses == ["completed"]
    assert seen.only.print_duration == 65


def test_the_same_id_after_an_inferred_end_takes_it_back():
    seen = run(
        PRUSA,
        [
            *RUNNING,
            (5, "none"),
            (5, "none"),
            (5, "active", job(7, progress=0.1)),
            (5, "completed"),
        ],
    )
    assert seen.statuses == ["completed"]


def test_a_new_id_closes_the_open_job():
    seen = run(
        PRUSA,
        [*RUNNING, (0, "lost"), (3600, "active", job(8, name="vase", printed=600))],
    )
    assert seen.statuses == ["completed~", "in_progress"]
    first, second = seen.rows.values()
    assert first.end_time == START + 910
    assert second.start_time == START + 10 + 3600 - 600
    assert second.missed_before == 0


def test_the_end_of_the_old_is_not_after_the_start_of_the_new():
    seen = run(
        PRUSA,
        [*RUNNING, (0, "lost"), (950, "active", job(8, name="vase", printed=100))],
    )
    first, second = seen.rows.values()
    assert first.end_time <= second.start_time


@pytest.mark.parametrize(
    ("first", "then", "missed"),
    [(7, 8, 0), (7, 10, 2), (65535, 0, 0), (65534, 2, 3), (500, 1, 0)],
)
def test_gaps_in_the_ids_count_runs_that_nobody_saw(first, then, missed):
    """They count across the wrap of the counter, and start anew after a factory reset."""
    seen = run(
        PRUSA,
        [
            (0, "none"),
            (5, "active", job(first)),
            (5, "completed"),
            (0, "restart"),
            (5, "none"),
            (5, "active", job(then, name="vase")),
        ],
    )
    assert list(seen.rows.values())[1].missed_before == missed


def test_after_a_factory_reset_an_old_id_is_a_new_job():
    seen = run(
        PRUSA,
        [
            (0, "none"),
            (5, "active", job(1)),
            (5, "completed"),
            (5, "active", job(900, name="b")),
            (5, "completed"),
            (5, "active", job(1, name="c")),
            (5, "active", job(1, name="c")),
        ],
    )
    assert [r.name for r in seen.rows.values()] == ["cube", "b", "c"]


def test_a_serial_reconnect_gives_the_same_print_a_new_id():
    seen = run(
        PRUSA,
        [
            *RUNNING,
            (60, "active", job(7, progress=0.2)),
            (5, "held"),
            (60, "active", job(8, progress=0.2)),
            (60, "active", job(8, progress=0.25)),
            (60, "completed"),
        ],
    )
    assert seen.statuses == ["completed"]


def test_a_reprint_with_stale_progress_is_no_reconnect():
    seen = run(
        PRUSA,
        [
            *RUNNING,
            (60, "active", job(7, progress=0.4, left=600)),
            (30, "active", job(8, progress=0.4)),
            (30, "active", job(8, progress=0.0)),
            (30, "completed"),
        ],
    )
    assert seen.statuses == ["cancelled~", "completed"]


def test_a_reprint_that_ends_before_its_progress_shows():
    seen = run(
        PRUSA,
        [
            *RUNNING,
            (60, "active", job(7, progress=0.4, left=600)),
            (30, "active", job(8, progress=0.4)),
            (30, "cancelled"),
        ],
    )
    assert seen.statuses == ["cancelled~", "cancelled"]


def test_a_question_before_the_next_print_still_names_the_last():
    seen = run(
        PRUSA,
        [
            *RUNNING,
            (5, "completed"),
            (60, "paused", job(7)),
            (60, "paused", job(7)),
            (20, "active", job(8, name="vase")),
            (60, "completed"),
        ],
    )
    assert seen.statuses == ["completed", "completed"]


def test_an_id_that_is_read_late_belongs_to_the_job():
    seen = run(
        PRUSA,
        [
            (0, "none"),
            (5, "active", {"name": None, "filename": None}),
            (5, "active", job(7)),
            (5, "completed"),
        ],
    )
    assert seen.statuses == ["completed"]
    assert seen.only.name == "cube"


def test_the_printers_own_print_time_is_the_authority():
    seen = run(
        PRUSA,
        [
            (0, "none"),
            (5, "active", job(7, printed=2)),
            (55, "active", job(7, printed=40)),
            (50, "paused", job(7, printed=45)),
            (50, "active", job(7, printed=45)),
            (50, "active", job(7, printed=95)),
            (0, "completed"),
        ],
    )
    assert seen.only.print_duration == 95


def test_a_print_clock_that_was_set_back_is_not_believed():
    seen = run(
        PRUSA,
        [
            (0, "none"),
            (5, "active", job(7, printed=2)),
            *[(50, "active", job(7, printed=50 * n)) for n in range(1, 20)],
            (50, "active", job(7, printed=3)),
            (0, "completed"),
        ],
    )
    assert seen.only.print_duration == 1000
