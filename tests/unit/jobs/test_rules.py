# The rules of a job's life that hold for every brand
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Each scenario is a table; the history it must leave stands below it."""

from __future__ import annotations

from .table import BAMBU, PRUSA, START, run

A = {"id": "cloud:1", "name": "a"}
B = {"id": "cloud:2", "name": "b"}


def test_a_job_from_start_to_finish():
    seen = run(
        BAMBU,
        [
            (0, "none"),
            (10, "active", {**A, "progress": 0.0, "left": 600}),
            (300, "active", {**A, "progress": 0.5, "left": 300}),
            (300, "completed", A),
            (60, "completed", A),
            (60, "none"),
        ],
    )
    assert seen.kinds == "started finished"
    job = seen.only
    assert (job.status, job.name, job.progress) == ("completed", "a", 1.0)
    assert (job.start_time, job.end_time) == (START + 10, START + 610)
    assert (job.total_duration, job.print_duration, job.pause_duration) == (600, 600, 0)


def test_pauses_are_told_once_and_are_not_printing():
    seen = run(
        BAMBU,
        [
            (0, "none"),
            (10, "active", A),
            (50, "paused", A),
            (30, "paused", A),
            (30, "paused", A),
            (40, "active", A),
            (50, "active", A),
            (10, "completed", A),
        ],
    )
    assert seen.kinds == "started paused resumed finished"
    job = seen.only
    assert (job.total_duration, job.print_duration, job.pause_duration) == (210, 110, 100)


def test_first_contact_with_a_terminal_state_records_nothing():
    for phase in ("completed", "failed", "cancelled", "none"):
        seen = run(BAMBU, [(0, phase, A), (30, phase, A), (30, "none")])
        assert seen.events == [], phase


def test_first_contact_with_a_running_job_estimates_its_start():
    seen = run(PRUSA, [(0, "active", {**A, "printed": 900, "progress": 0.3})])
    assert seen.kinds == "started"
    assert seen.only.start_estimated
    assert seen.only.start_time == START - 900
    seen = run(PRUSA, [(0, "active", A)])
    assert seen.only.start_estimated
    assert seen.only.start_time == START


def test_a_watched_start_lies_between_the_two_reports():
    seen = run(PRUSA, [(0, "none"), (15, "active", {**A, "printed": 4})])
    assert not seen.only.start_estimated
    assert seen.only.start_time == START + 11
    seen = run(PRUSA, [(0, "none"), (15, "active", {**A, "printed": 500})])
    assert seen.only.start_time == START


def test_a_start_while_away_is_estimated():
    seen = run(
        PRUSA,
        [(0, "none"), (10, "lost"), (300, "active", {**A, "printed": 100})],
    )
    assert seen.only.start_estimated
    assert seen.only.start_time == START + 210


def test_silence_never_ends_a_job():
    ticks = [(60, "tick")] * 2000
    seen = run(BAMBU, [(0, "none"), (1, "active", {**A, "left": 600}), (1, "lost"), *ticks])
    assert seen.kinds == "started"
    assert seen.tracker.open is not None


def test_a_restart_continues_the_same_job():
    seen = run(
        BAMBU,
        [
            (0, "none"),
            (10, "active", {**A, "progress": 0.2}),
            (90, "active", {**A, "progress": 0.3}),
            (0, "restart"),
            (170, "active", {**A, "progress": 0.5}),
            (50, "completed", A),
        ],
    )
    assert seen.kinds == "started finished"
    job = seen.only
    assert (job.status, job.start_estimated, job.end_estimated) == ("completed", False, False)
    assert job.total_duration == 310


def test_a_restart_while_paused_tells_no_second_pause():
    seen = run(
        BAMBU,
        [(0, "none"), (1, "active", A), (9, "paused", A), (0, "restart"), (50, "paused", A)],
    )
    assert seen.kinds == "started paused"
    assert seen.tracker.open.pause_duration == 50


def test_a_restart_after_the_end_records_nothing_again():
    seen = run(
        BAMBU,
        [(0, "none"), (1, "active", A), (9, "completed", A), (0, "restart"), (9, "completed", A)],
    )
    assert seen.kinds == "started finished"


def test_an_end_while_offline_is_marked_as_estimated():
    seen = run(
        BAMBU,
        [
            (0, "none"),
            (10, "active", {**A, "progress": 0.5, "left": 600}),
            (0, "lost"),
            (7200, "completed", A),
        ],
    )
    job = seen.only
    assert (job.status, job.status_estimated, job.end_estimated) == ("completed", False, True)
    assert job.end_time == START + 610
    assert job.print_duration == 600


def test_an_end_while_the_host_was_off_is_recorded_once():
    seen = run(
        BAMBU,
        [
            (0, "none"),
            (10, "active", {**A, "left": 600}),
            (0, "restart"),
            (86400, "completed", A),
            (10, "completed", A),
        ],
    )
    assert seen.kinds == "started finished"
    assert seen.only.end_time == START + 610


def test_another_job_after_an_absence_closes_the_old_one():
    seen = run(
        BAMBU,
        [
            (0, "none"),
            (10, "active", {**A, "progress": 0.2, "left": 6000}),
            (0, "lost"),
            (3600, "active", {**B, "progress": 0.1}),
            (60, "completed", B),
        ],
    )
    assert seen.statuses == ["interrupted~", "completed"]
    first, second = seen.rows.values()
    assert first.end_time == START + 10
    assert first.end_estimated
    assert second.start_estimated


def test_busy_holds_the_job():
    seen = run(
        PRUSA,
        [
            (0, "none"),
            (5, "active", {**A, "progress": 0.4, "left": 500}),
            (5, "held"),
            (50, "held"),
            (50, "active", {**A, "progress": 0.4, "left": 500}),
            (50, "completed", A),
        ],
    )
    assert seen.kinds == "started finished"
    job = seen.only
    assert job.total_duration == 155
    assert job.print_duration == 55


def test_busy_without_a_job_is_no_job():
    assert run(PRUSA, [(0, "held"), (5, "held"), (5, "none")]).events == []


def test_calibrations_are_no_jobs():
    seen = run(
        BAMBU,
        [
            (0, "none"),
            (5, "active", {"id": "lan:cali", "system": True}),
            (90, "completed", {"id": "lan:cali", "system": True}),
        ],
    )
    assert seen.events == []


def test_a_fault_alone_ends_nothing():
    seen = run(
        BAMBU,
        [
            (0, "none"),
            (5, "active", A),
            (5, "active", {**A, "faults": ["0500_C011"]}),
            (5, "active", {**A, "faults": ["0500_C011"]}),
        ],
    )
    assert seen.kinds == "started"
    assert seen.tracker.open.faults == ["0500_C011"]


def test_a_fault_that_was_there_before_is_not_the_jobs():
    sticky = {"faults": ["0500_C011"]}
    seen = run(
        BAMBU,
        [
            (0, "none", sticky),
            (5, "active", {**A, **sticky}),
            (5, "active", {**A, "faults": ["0500_C011", "0300_8015"]}),
            (5, "completed", {**A, **sticky}),
        ],
    )
    assert seen.only.faults == ("0300_8015",)


def test_a_failure_before_printing_counts_no_print_time():
    seen = run(
        BAMBU,
        [
            (0, "none"),
            (5, "active", {**A, "preparing": True}),
            (40, "active", {**A, "preparing": True}),
            (10, "failed", A),
            (16, "tick"),
        ],
    )
    job = seen.only
    assert (job.status, job.print_duration, job.total_duration) == ("error", 0.0, 50.0)


def test_duplicated_reports_change_nothing():
    rows = [
        (0, "none"),
        (5, "active", {**A, "progress": 0.1}),
        (50, "paused", {**A, "progress": 0.4}),
        (50, "active", {**A, "progress": 0.4}),
        (50, "completed", A),
    ]
    doubled = [row for (s, *rest) in rows for row in ((s, *rest), (0, *rest))]
    once, twice = run(BAMBU, rows), run(BAMBU, doubled)
    assert once.kinds == twice.kinds
    assert once.rows == twice.rows


def test_a_report_without_a_state_says_nothing():
    """Before its first full report a printer neither runs nor idles."""
    from moonfleet.core.jobs import JobTracker
    from moonfleet.core.model import PrinterSnapshot

    seen = run(BAMBU, [(0, "none"), (1, "active", A)])
    tracker = JobTracker("p", BAMBU, seen.tracker.to_dict())
    for _ in range(5):
        assert tracker.observe(PrinterSnapshot(), START + 30) == []
    assert tracker.open is not None
