# Clocks that jump, and what a job adds up to
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Durations never depend on the wall clock while the process lives."""

from __future__ import annotations

import math

import pytest
from moonfleet.core.jobs import JobTracker
from moonfleet.core.model import Filament, FilamentUnit, JobPhase, Slot

from .table import BAMBU, START, run, snapshot

A = {"id": "cloud:1", "name": "a"}
YEAR = 365 * 86400.0


@pytest.mark.parametrize("by", [YEAR, -YEAR, 3600, -3600, 30, -30])
def test_a_clock_that_is_set_moves_the_start_and_no_duration(by):
    seen = run(
        BAMBU,
        [
            (0, "none"),
            (10, "active", A),
            (50, "active", A),
            (0, "clock", {"by": by}),
            (50, "active", A),
            (50, "completed", A),
        ],
    )
    job = seen.only
    assert job.total_duration == pytest.approx(150)
    assert job.end_time == pytest.approx(START + 160 + by)
    assert job.start_time == pytest.approx(START + 10 + by)
    assert not job.end_estimated


def test_without_a_monotonic_clock_a_step_back_costs_no_time():
    seen = run(
        BAMBU,
        [
            (0, "none"),
            (10, "active", A),
            (50, "active", A),
            (0, "clock", {"by": -3600}),
            (50, "active", A),
            (50, "completed", A),
        ],
        mono=False,
    )
    assert 90 <= seen.only.total_duration <= 150
    assert seen.only.end_time >= seen.only.start_time


def test_a_host_that_starts_with_a_wrong_clock_keeps_a_start_it_knew():
    """A Raspberry Pi after a power cut: the clock is hours behind, then set."""
    seen = run(
        BAMBU,
        [
            (0, "none"),
            (10, "active", A),
            (50, "active", A),
            (0, "restart"),
            (0, "clock", {"by": -7200}),
            (60, "active", A),
            (0, "clock", {"by": 7200}),
            (50, "active", A),
            (50, "completed", A),
        ],
    )
    assert seen.only.start_time == START + 10
    assert seen.only.end_time == START + 220


def test_heating_temperatures_and_filament():
    red = Filament(
        units=(FilamentUnit(0, slots=(Slot(0, True, "PLA", "FF0000"), Slot(1, True, "PETG"))),),
        active={"extruder": (0, 0)},
    )
    green = Filament(units=red.units, active={"extruder": (0, 1)})
    seen = run(
        BAMBU,
        [
            (0, "none"),
            (10, "active", {**A, "progress": 0.0, "heaters": {"extruder": (25.0, 220.0)}}),
            (50, "active", {**A, "progress": 0.0, "heaters": {"extruder": (120.0, 220.0)}}),
            (50, "active", {**A, "progress": 0.0, "heaters": {"extruder": (219.0, 220.0)}}),
            (50, "active", {**A, "progress": 0.1, "filament": red}),
            (5, "active", {**A, "progress": 0.1, "heaters": {"extruder": (190.0, 240.0)}}),
            (50, "active", {**A, "filament": green, "heaters": {"extruder": (math.nan, 1.0)}}),
        ],
    )
    job = seen.tracker.open
    assert job.heatup_time == 50
    assert job.max_temperatures == {"extruder": 219.0}
    seen.tracker.annotate(grams={(0, 0): 12.5}, eta_error=1.5, thumbnail="t.png")
    assert [(e["slot"], e["material"], e["color"], e["grams"]) for e in job.filament] == [
        (0, "PLA", "FF0000", 12.5),
        (1, "PETG", None, None),
    ]
    assert (job.eta_error, job.thumbnail) == (1.5, "t.png")


def test_promises_are_noted_beside_ours():
    seen = run(BAMBU, [(0, "none"), (10, "active", {**A, "progress": 0.05, "left": 1000})])
    seen.tracker.annotate(correction=1.2)
    seen.tracker.annotate(correction=math.nan)
    for n, progress in enumerate((0.08, 0.12, 0.2, 0.26, 0.5)):
        report = snapshot(JobPhase.ACTIVE, **A, progress=progress, left=900 - 100 * n)
        seen.tracker.observe(report, START + 20 + 10 * n)
    assert seen.tracker.open.forecasts == [
        [20.0, 800.0, pytest.approx(960.0)],
        [40.0, 600.0, pytest.approx(720.0)],
        [50.0, 500.0, pytest.approx(600.0)],
    ]


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"open": None},
        {"open": 7, "ledger": 3, "clock": "x"},
        {"open": {"job_id": "", "printer": "p", "start_time": 1}},
        {"open": {"job_id": "x", "printer": "p", "start_time": math.nan}},
        {"ledger": {"identities": [1, None, "a"], "ended": [], "number": "7"}, "echo": "yes"},
    ],
)
def test_damaged_storage_starts_afresh(stored):
    tracker = JobTracker("p", BAMBU, stored)
    assert tracker.open is None
    tracker.observe(snapshot(JobPhase.NONE), START)
    events = tracker.observe(snapshot(JobPhase.ACTIVE, **A), START + 1)
    assert [event.kind for event in events] == ["started"]


def test_damaged_details_of_an_open_job_cost_only_themselves():
    stored = {
        "open": {
            "job_id": "x",
            "printer": "p",
            "start_time": START,
            "identity": "cloud:1",
            "unique": True,
            "progress": "much",
            "faults": [1, "ok"],
            "filament": [{"slot": 1}, 7],
            "max_temperatures": {"extruder": 200, "x": None},
            "total_duration": math.inf,
            "forecasts": [[1, 2, 3], [1], "x"],
            "layer": 10**400,
            "phase": "dancing",
        },
        "clock": {"t": None, "wall": "x"},
        "seen": "x",
        "ending": {"t": math.nan},
        "codes": 5,
    }
    tracker = JobTracker("p", BAMBU, stored)
    job = tracker.open
    assert (job.progress, job.faults, job.layer, job.phase) == (None, ["ok"], None, "printing")
    assert job.filament == [{"slot": 1}]
    assert job.forecasts == [[1, 2, 3]]
    events = tracker.observe(snapshot(JobPhase.COMPLETED, **A), START + 60)
    assert [event.record.job_id for event in events if event.kind == "finished"] == ["x"]


def test_wild_numbers_of_a_device_do_no_harm():
    wild = [math.nan, math.inf, -1.0, 1e300, 10**400, "7", None, True, [], {}]
    tracker = JobTracker("p", BAMBU)
    tracker.observe(snapshot(JobPhase.NONE), START)
    for n, value in enumerate(wild):
        details = dict.fromkeys(("progress", "left", "printed", "layer", "layers"), value)
        details["heaters"] = {"extruder": (value, value)}
        tracker.observe(snapshot(JobPhase.ACTIVE, **A, **details), START + 1 + n)
    record = tracker.observe(snapshot(JobPhase.COMPLETED, **A), START + 60)[-1].record
    assert record.total_duration == pytest.approx(59)
    assert 0 <= record.print_duration <= 59
    assert record.max_temperatures.get("extruder", 0) <= 1000
