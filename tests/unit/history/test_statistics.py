# Every statistic, recomputed from the raw rows
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
from __future__ import annotations

import datetime
import random
import statistics
import time
from dataclasses import replace

import pytest
from moonfleet.core.jobs_record import JobRecord
from moonfleet.history import History
from moonfleet.history.statistics import Prices

from .conftest import START
from .provider import TableDefinition

DAY = 86400.0
PRICES = Prices("EUR", {"PLA": 20.0, "": 30.0}, energy=0.4, machine_hour=0.5)


def made_up(count: int, seed: int = 1) -> list[JobRecord]:
    rng = random.Random(seed)
    records = []
    for n in range(count):
        start = START + rng.uniform(0, 60 * DAY)
        total = rng.uniform(60, 50_000)
        paused = rng.uniform(0, total / 3)
        material = rng.choice(["PLA", "PETG", None])
        grams = rng.choice([None, rng.uniform(1, 300)])
        first = (total / 10, total * 0.8, total * 0.85)
        forecasts = rng.choice([(), (first, (total / 2, total / 2, total / 2))])
        records.append(
            JobRecord(
                job_id=f"job{n}",
                printer=rng.choice(["x1c", "mk4"]),
                status=rng.choice(["completed", "completed", "cancelled", "error", "interrupted"]),
                start_time=start,
                end_time=start + total,
                total_duration=total,
                print_duration=total - paused,
                pause_duration=paused,
                filament=({"unit": 0, "slot": 0, "material": material, "grams": grams},),
                faults=tuple(rng.sample(["A", "B", "C", "D"], rng.randrange(3))),
                eta_error=rng.choice([None, rng.uniform(-20, 20)]),
                status_estimated=rng.random() < 0.1,
                forecasts=forecasts,
                energy=rng.choice([None, rng.uniform(0, 3)]),
            )
        )
    return records


def expected(records: list[JobRecord]) -> dict:
    """From the records alone, in the plainest way."""

    def grams(r):
        return sum(e["grams"] or 0 for e in r.filament)

    def share(part, whole):
        return part / whole if whole else None

    outcome = {s: sum(r.status == s for r in records) for s in ("completed", "cancelled")}
    outcome |= {s: sum(r.status == s for r in records) for s in ("error", "interrupted")}
    print_time = sum(r.print_duration for r in records)
    faults = sum(len(r.faults) for r in records)
    eta = [abs(r.eta_error) for r in records if r.eta_error is not None]
    seen = [r for r in records if r.status == "completed" and not r.status_estimated]
    late, ours = [], []
    for r in seen:
        if r.forecasts:
            elapsed, left, corrected = r.forecasts[0]
            actual = r.total_duration - r.pause_duration - elapsed
            if actual > 0:
                late.append(abs(actual - left))
                ours.append(abs(actual - corrected))
    return {
        "jobs": len(records),
        **outcome,
        "success_rate": share(outcome["completed"], outcome["completed"] + outcome["error"]),
        "total_time": sum(r.total_duration for r in records),
        "print_time": print_time,
        "pause_time": sum(r.pause_duration for r in records),
        "filament_grams": sum(grams(r) for r in records),
        "energy": sum(r.energy or 0 for r in records),
        "faults": faults,
        "faults_per_hour": share(faults, print_time / 3600),
        "eta_error": share(sum(eta), len(eta)),
        "finish_error": share(sum(late), len(late)),
        "finish_error_corrected": share(sum(ours), len(ours)),
    }


def spread(records: list[JobRecord]) -> dict:
    prints = [r.print_duration for r in records if r.status == "completed"]
    return {
        "longest": max(prints, default=None),
        "mean": statistics.fmean(prints) if prints else None,
        "median": statistics.median(prints) if prints else None,
    }


def cost(records: list[JobRecord]) -> float:
    total = 0.0
    for r in records:
        for entry in r.filament:
            per_kg = 20.0 if entry["material"] == "PLA" else 30.0
            total += (entry["grams"] or 0) / 1000 * per_kg
        total += (r.energy or 0) * 0.4 + r.print_duration / 3600 * 0.5
    return total


def agree(found: dict, wanted: dict) -> None:
    for name, value in wanted.items():
        assert found[name] == (None if value is None else pytest.approx(value)), name


@pytest.fixture
async def filled(history):
    history.prices = PRICES
    records = made_up(400)
    for record in records:
        history.take(record)
    return history, records


@pytest.mark.parametrize(
    ("since", "before"),
    [
        (START - DAY, START + 90 * DAY),
        (START + 10.5 * DAY, START + 20.25 * DAY),
        (START + 10.5 * DAY, START + 10.6 * DAY),
        (START + 30 * DAY, START + 31 * DAY),
        (START + 400 * DAY, START + 500 * DAY),
    ],
)
@pytest.mark.parametrize("printer", [None, "x1c"])
async def test_every_figure_follows_from_the_rows(filled, since, before, printer):
    history, records = filled
    inside = [r for r in records if since <= r.end_time < before and printer in (None, r.printer)]
    found = await history.statistics(printer, since, before)
    agree(found["fleet"], expected(inside))
    agree(found["fleet"], spread(inside))
    amount = found["fleet"]["cost"]
    assert (0.0 if amount is None else amount["amount"]) == pytest.approx(cost(inside), abs=0.01)
    codes = [code for r in inside for code in r.faults]
    assert found["fleet"]["fault_codes"] == {c: codes.count(c) for c in set(codes)}
    for name, figures in found["printers"].items():
        own = [r for r in inside if r.printer == name]
        agree(figures, {**expected(own), **spread(own)})
        assert figures["cost"]["amount"] == pytest.approx(cost(own), abs=0.01)
        told = [code for r in own for code in r.faults]
        assert figures["fault_codes"] == {c: told.count(c) for c in set(told)}
    for name, figures in found["materials"].items():
        used = [r for r in inside if (r.filament[0]["material"] or "unknown") == name]
        agree(figures, {**expected(used), **spread(used)})
        assert figures["cost"]["amount"] == pytest.approx(cost(used), abs=0.01)
    assert sum(f["jobs"] for f in found["materials"].values()) == len(inside)


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Asia/Kolkata", "UTC"])
async def test_days_are_local_and_some_have_23_or_25_hours(database, monkeypatch, zone):
    """November: New York sets its clocks back inside the period."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        history = History(database, TableDefinition)
        records = [
            replace(r, start_time=r.start_time - 12 * DAY, end_time=r.end_time - 12 * DAY)
            for r in made_up(150)
        ]
        for record in records:
            history.take(record)
        for since, before in ((-11.0, 0.0), (-8.7, -8.1), (-9.3, 4.4)):
            since, before = START + since * DAY, START + before * DAY
            found = await history.statistics(None, since, before)
            inside = [r for r in records if since <= r.end_time < before]
            agree(found["fleet"], expected(inside))
            dates = {datetime.date.fromtimestamp(r.end_time).isoformat() for r in inside}
            assert {point["date"] for point in found["days"]} == dates
        await history.stop()
    finally:
        monkeypatch.undo()
        time.tzset()


async def test_trends_by_day_and_week(filled):
    history, records = filled
    found = await history.statistics(None, START + 5.3 * DAY, START + 25.7 * DAY)
    inside = [r for r in records if START + 5.3 * DAY <= r.end_time < START + 25.7 * DAY]
    days: dict[str, list[JobRecord]] = {}
    weeks: dict[str, list[JobRecord]] = {}
    for r in inside:
        date = datetime.date.fromtimestamp(r.end_time)
        days.setdefault(date.isoformat(), []).append(r)
        monday = date - datetime.timedelta(days=date.weekday())
        weeks.setdefault(monday.isoformat(), []).append(r)
    for points, groups in ((found["days"], days), (found["weeks"], weeks)):
        assert [p["date"] for p in points] == sorted(groups)
        for point in points:
            group = groups[point["date"]]
            assert point["jobs"] == len(group)
            assert point["completed"] == sum(r.status == "completed" for r in group)
            assert point["print_time"] == pytest.approx(sum(r.print_duration for r in group))


async def test_sums_follow_changes_and_deletions(filled):
    history, records = filled
    rng = random.Random(2)
    kept = {r.job_id: r for r in records}
    for r in rng.sample(records, 120):
        if rng.random() < 0.5:
            await history.delete(r.job_id)
            del kept[r.job_id]
        else:
            kept[r.job_id] = replace(
                r, status=rng.choice(["error", "completed"]), end_time=r.end_time + 2 * DAY
            )
            history.take(kept[r.job_id])
    found = await history.statistics(None, START - DAY, START + 90 * DAY)
    agree(found["fleet"], expected(list(kept.values())))
    leftovers = await history.run(
        lambda c: c.execute("SELECT COUNT(*) FROM moonfleet_days WHERE jobs <= 0").fetchone()[0]
    )
    assert leftovers == 0


async def test_a_job_that_goes_on_after_all_is_taken_out_of_the_sums(history, job):
    record = job("interrupted")
    history.take(record)
    await history.flush()
    history.take(replace(record, status="in_progress", end_time=None))
    assert (await history.totals())["job_totals"]["total_jobs"] == 0
    history.take(replace(record, status="completed"))
    found = await history.totals()
    assert found["job_totals"]["total_jobs"] == 1
    assert found["odometers"]["x1c"]["jobs"] == 1


async def test_totals_and_odometers(filled):
    history, records = filled
    mine = [r for r in records if r.printer == "mk4"]
    found = await history.totals("mk4")
    assert found["job_totals"]["total_jobs"] == len(mine)
    assert found["job_totals"]["longest_job"] == max(r.total_duration for r in mine)
    assert found["job_totals"]["longest_print"] == max(r.print_duration for r in mine)
    printed = sum(r.print_duration for r in mine)
    assert found["odometers"]["mk4"]["print_time"] == pytest.approx(printed)
    await history.delete(mine[0].job_id)
    after = await history.totals("mk4")
    assert after["job_totals"]["total_jobs"] == len(mine) - 1
    assert after["odometers"] == found["odometers"]


async def test_no_prices_no_cost(history, job):
    history.take(job())
    found = await history.statistics(None, START - DAY, START + DAY)
    assert found["fleet"]["cost"] is None
