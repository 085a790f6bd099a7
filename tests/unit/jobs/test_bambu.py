# The rules of a job's life as Bambu Lab printers need them
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Cancel echoes on either side of FAILED, names that arrive early, ids that mean nothing on LAN."""

from __future__ import annotations

import pytest

from .table import BAMBU, START, run

CLOUD = {"id": "cloud:77", "name": "vase"}
LAN = {"id": "lan:vase|vase.3mf", "name": "vase", "unique": False}
OTHER = {"id": "lan:cup|cup.3mf", "name": "cup", "unique": False}
RUNNING = [(0, "none"), (10, "active", CLOUD), (50, "active", CLOUD)]


@pytest.mark.parametrize(
    ("rows", "status"),
    [
        pytest.param([(1, "failed", CLOUD), (16, "tick")], "error", id="no echo"),
        pytest.param(
            [(1, "failed", CLOUD), (4.65, "failed", {**CLOUD, "echo": True})],
            "cancelled",
            id="echo 4.65 s after FAILED (P2S)",
        ),
        pytest.param(
            [
                (1, "active", {**CLOUD, "echo": True}),
                (2, "failed", CLOUD),
                (1, "failed", CLOUD),
            ],
            "cancelled",
            id="echo 2 s before FAILED and reset (P1)",
        ),
        pytest.param(
            [
                (1, "active", {**CLOUD, "echo": True}),
                (1, "active", CLOUD),
                (30, "failed", CLOUD),
                (16, "tick"),
            ],
            "error",
            id="echo long before FAILED",
        ),
        pytest.param(
            [
                (1, "failed", CLOUD),
                (16, "tick"),
                (1, "failed", {**CLOUD, "echo": True}),
            ],
            "error",
            id="echo after the window",
        ),
        pytest.param(
            [(1, "stop"), (30, "failed", CLOUD)], "cancelled", id="our own stop, FAILED follows"
        ),
        pytest.param(
            [(1, "stop"), (58, "active", CLOUD), (10, "failed", CLOUD), (16, "tick")],
            "error",
            id="our own stop too long ago",
        ),
        pytest.param(
            [(1, "failed", CLOUD), (1, "none"), (3, "none", {"echo": True})],
            "cancelled",
            id="FAILED, then IDLE with the echo (P1P)",
        ),
        pytest.param([(1, "stop"), (5, "none")], "cancelled", id="our stop, straight to IDLE"),
        pytest.param([(1, "none")], "interrupted~", id="straight to IDLE"),
        pytest.param([(1, "stop"), (30, "completed", CLOUD)], "completed", id="finished anyway"),
    ],
)
def test_how_it_ended(rows, status):
    seen = run(BAMBU, [*RUNNING, *rows])
    assert seen.statuses == [status]
    assert seen.kinds == "started finished"


def test_the_window_does_not_move_the_end():
    seen = run(BAMBU, [*RUNNING, (1, "failed", CLOUD), (16, "tick")])
    assert seen.only.end_time == START + 61
    assert seen.only.total_duration == 51


def test_a_stale_echo_register_is_no_cancel():
    """It still holds the cancel of the job before while this job fails by itself."""
    seen = run(
        BAMBU,
        [
            (0, "none", {"echo": True}),
            (10, "active", {**CLOUD, "echo": True}),
            (50, "active", {**CLOUD, "echo": True}),
            (5, "failed", CLOUD),
            (16, "tick"),
        ],
    )
    assert seen.statuses == ["error"]


def test_a_register_that_still_says_cancel_after_the_window_does_count():
    """A second cancel in a row raises no edge, but a fault would have replaced the code."""
    seen = run(
        BAMBU,
        [
            (0, "none", {"echo": True}),
            (10, "active", {**CLOUD, "echo": True}),
            (5, "failed", {**CLOUD, "echo": True}),
            (16, "failed", {**CLOUD, "echo": True}),
        ],
    )
    assert seen.statuses == ["cancelled"]


def test_the_name_comes_before_running_and_layers_after():
    """P2S: FINISH under the new name, then RUNNING with the layer of the job before."""
    seen = run(
        BAMBU,
        [
            (0, "completed", OTHER),
            (5, "completed", LAN),
            (2.9, "active", {**LAN, "layer": 750, "layers": 94, "progress": 1.0}),
            (2, "active", {**LAN, "layer": 0, "layers": 94, "progress": 0.0}),
            (50, "active", {**LAN, "layer": 3, "layers": 94, "progress": 0.04}),
        ],
    )
    assert seen.kinds == "started"
    assert not seen.only.start_estimated
    assert (seen.tracker.open.layer, seen.tracker.open.layers) == (3, 94)
    assert seen.tracker.open.progress == 0.04


def test_a_name_that_settles_is_the_same_job():
    seen = run(
        BAMBU,
        [
            (0, "none"),
            (1, "active", {"id": "lan:|", "name": "old", "unique": False}),
            (2, "active", LAN),
            (50, "completed", LAN),
        ],
    )
    assert seen.statuses == ["completed"]
    assert seen.only.name == "vase"


def test_a_new_identity_while_active_is_another_job():
    seen = run(
        BAMBU,
        [*RUNNING, (5, "active", {"id": "cloud:78", "name": "x"}), (9, "completed")],
    )
    assert seen.statuses == ["interrupted~", "completed"]


def test_a_reprint_of_the_same_file_is_another_job():
    seen = run(
        BAMBU,
        [
            (0, "none"),
            (1, "active", LAN),
            (50, "completed", LAN),
            (50, "active", LAN),
            (50, "completed", LAN),
        ],
    )
    assert seen.statuses == ["completed", "completed"]


@pytest.mark.parametrize("away", ["lost", "restart"])
def test_a_reprint_while_away_is_told_by_its_progress(away):
    seen = run(
        BAMBU,
        [
            (0, "none"),
            (1, "active", {**LAN, "progress": 0.4, "left": 900}),
            (50, "active", {**LAN, "progress": 0.6, "left": 400}),
            (0, away),
            (3000, "active", {**LAN, "progress": 0.2, "left": 800}),
            (50, "completed", LAN),
        ],
    )
    assert seen.statuses == ["interrupted~", "completed"]
    assert list(seen.rows.values())[1].start_estimated


def test_stale_progress_on_return_is_seen_through():
    """The reprint first shows the last run's progress, then its own."""
    seen = run(
        BAMBU,
        [
            (0, "none"),
            (1, "active", {**LAN, "progress": 0.4}),
            (50, "active", {**LAN, "progress": 0.6}),
            (0, "lost"),
            (3000, "active", {**LAN, "progress": 0.6}),
            (3, "active", {**LAN, "progress": 0.0}),
            (50, "completed", LAN),
        ],
    )
    assert len(seen.rows) == 2


def test_the_same_lan_job_with_more_progress_goes_on():
    seen = run(
        BAMBU,
        [
            (0, "none"),
            (1, "active", {**LAN, "progress": 0.1}),
            (50, "active", {**LAN, "progress": 0.2}),
            (0, "lost"),
            (3000, "active", {**LAN, "progress": 0.7}),
            (50, "completed", LAN),
        ],
    )
    assert seen.statuses == ["completed"]


def test_progress_that_is_reset_at_the_end_starts_nothing():
    seen = run(
        BAMBU,
        [
            (0, "none"),
            (1, "active", {**LAN, "progress": 0.7}),
            (50, "active", {**LAN, "progress": 0.9}),
            (5, "active", {**LAN, "progress": 0.0}),
            (1, "active", {**LAN, "progress": 0.0}),
            (1, "completed", {**LAN, "progress": 0.0}),
        ],
    )
    assert seen.statuses == ["completed"]


def test_a_watched_run_that_grows_again_from_nothing_is_another():
    """Every report of the end was lost between two reports of the same name."""
    seen = run(
        BAMBU,
        [
            (0, "none"),
            (1, "active", {**LAN, "progress": 0.7}),
            (30, "active", {**LAN, "progress": 0.9}),
            (30, "active", {**LAN, "progress": 0.0}),
            (30, "active", {**LAN, "progress": 0.02}),
            (30, "completed", LAN),
        ],
    )
    assert seen.statuses == ["interrupted~", "completed"]
    first, second = seen.rows.values()
    assert first.total_duration == 60
    assert second.start_time == START + 61


def test_after_an_absence_a_failure_without_a_code_is_interrupted():
    seen = run(BAMBU, [*RUNNING, (0, "lost"), (900, "failed", CLOUD)])
    assert seen.statuses == ["interrupted~"]


def test_after_an_absence_a_new_code_makes_it_an_error():
    seen = run(
        BAMBU,
        [*RUNNING, (0, "lost"), (900, "failed", {**CLOUD, "faults": ["0300_8015"]})],
    )
    assert seen.statuses == ["error"]
    assert seen.only.faults == ("0300_8015",)


def test_after_an_absence_idle_is_interrupted():
    seen = run(BAMBU, [*RUNNING, (0, "restart"), (900, "none")])
    assert seen.statuses == ["interrupted~"]
    assert seen.only.end_time == START + 60


def test_after_an_absence_the_end_of_another_job_closes_ours():
    seen = run(BAMBU, [*RUNNING, (0, "lost"), (900, "completed", {"id": "cloud:78"})])
    assert seen.statuses == ["interrupted~"]


def test_a_crash_inside_the_cancel_window_leaves_a_marked_guess():
    seen = run(BAMBU, [*RUNNING, (1, "failed", CLOUD), (0, "restart"), (300, "failed", CLOUD)])
    assert seen.statuses == ["error~"]


def test_a_new_start_inside_the_cancel_window_decides_it():
    seen = run(BAMBU, [*RUNNING, (1, "failed", CLOUD), (5, "active", {"id": "cloud:78"})])
    assert seen.statuses == ["error", "in_progress"]


def test_an_unexpected_end_that_was_none_is_taken_back():
    """IDLE in one report, then the same cloud job goes on: one record, not two."""
    seen = run(
        BAMBU,
        [*RUNNING, (1, "none"), (1, "active", CLOUD), (9, "active", CLOUD), (9, "completed")],
    )
    assert seen.statuses == ["completed"]
    assert seen.kinds == "started finished resumed finished"


def test_a_finished_cloud_job_is_not_started_again_by_a_stale_report():
    seen = run(
        BAMBU,
        [
            *RUNNING,
            (1, "completed", CLOUD),
            (1, "active", CLOUD),
            (1, "completed", CLOUD),
            (0, "restart"),
            (1, "active", CLOUD),
            (2, "completed", CLOUD),
        ],
    )
    assert seen.kinds == "started finished"


def test_the_next_cloud_job_may_begin_under_the_last_ones_id():
    seen = run(
        BAMBU,
        [
            *RUNNING,
            (1, "completed", CLOUD),
            (30, "active", CLOUD),
            (3, "active", {"id": "cloud:78", "name": "x"}),
            (50, "completed", {"id": "cloud:78", "name": "x"}),
        ],
    )
    assert seen.statuses == ["completed", "completed"]
    assert list(seen.rows.values())[1].start_time == START + 91
