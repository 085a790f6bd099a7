# One list out of two histories
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Ours and Moonraker's own, in every order and page as if they were one."""

from __future__ import annotations

import random
from typing import Any

import pytest
from moonfleet.core.errors import MoonfleetError
from moonfleet.core.jobs_record import JobRecord
from moonfleet.fleet import LOCAL
from moonfleet.history import History
from moonfleet.merged_history import MergedHistory, local_job

from tests.unit.history.provider import Database, TableDefinition

STATUSES = ("completed", "cancelled", "error", "klippy_shutdown", "server_exit", "in_progress")


class Ours:
    def __init__(self, jobs: list[dict[str, Any]]) -> None:
        self.jobs = jobs

    async def list(self, printer=None, status=None, since=None, before=None, search=None,
                   order="desc", start=0, limit=50):  # fmt: skip
        if status == "nonsense":
            raise MoonfleetError("status: 'nonsense'")
        assert 0 < limit <= 1000
        found = [
            job
            for job in self.jobs
            if status in (None, job["status"])
            and printer in (None, job["printer"])
            and (since is None or job["start_time"] > since)
            and (search is None or search in job["name"])
        ]
        found.sort(key=lambda job: job["start_time"], reverse=order == "desc")
        page = found[start : start + limit]
        return {"count": len(page), "jobs": page}

    async def job(self, job_id):
        for job in self.jobs:
            if job["job_id"] == job_id:
                return job
        raise MoonfleetError(f"no job {job_id}")

    async def totals(self, printer=None):
        jobs = [job for job in self.jobs if printer in (None, job["printer"])]
        times = {"total_time": 90.0, "total_print_time": 70.0, "total_filament_used": 0.0}
        whole = {"total_jobs": len(jobs), **times, "longest_job": 50.0, "longest_print": 30.0}
        return {"job_totals": whole, "odometers": {}}

    async def delete(self, job_id):
        return {"deleted_jobs": [job_id]}


class Moonraker:
    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows
        self.broken = False
        self.totals: dict[str, Any] = {}

    async def __call__(self, method: str, **params: Any) -> Any:
        if self.broken:
            raise RuntimeError("no database")
        if method == "server.history.get_job":
            return {"job": next(row for row in self.rows if row["job_id"] == params["uid"])}
        if method == "server.history.totals":
            return {"job_totals": self.totals, "auxiliary_totals": []}
        assert method == "server.history.list"
        rows = [row for row in self.rows if row["start_time"] > params.get("since", -1)]
        rows.sort(key=lambda row: row["start_time"], reverse=params["order"] == "desc")
        return {"jobs": rows[params["start"] : params["start"] + params["limit"]]}


def world(ours: int = 700, local: int = 450) -> tuple[MergedHistory, list[str], Moonraker]:
    chance = random.Random(7)
    moments = chance.sample(range(1, 100_000), ours + local)
    mine = [
        {"job_id": f"o{n}", "printer": "x1c", "status": chance.choice(STATUSES[:3]),
         "start_time": float(moments[n]), "name": f"cube {n % 10}", "filename": None,
         "display_name": "X1C"}
        for n in range(ours)
    ]  # fmt: skip
    rows = [
        {"job_id": f"{n:06X}", "status": chance.choice(STATUSES), "filename": f"dir/boat {n % 10}",
         "start_time": float(moments[ours + n]), "end_time": None}
        for n in range(local)
    ]  # fmt: skip
    everything = [(job["start_time"], job["job_id"]) for job in mine]
    everything += [(row["start_time"], f"klipper-{row['job_id']}") for row in rows]
    moonraker = Moonraker(rows)
    order = [job_id for _, job_id in sorted(everything, reverse=True)]
    return MergedHistory(Ours(mine), moonraker), order, moonraker


def ids(answer: dict[str, Any]) -> list[str]:
    assert answer["count"] == len(answer["jobs"])
    return [job["job_id"] for job in answer["jobs"]]


async def test_pages_in_both_orders_are_those_of_one_list():
    merged, newest_first, _ = world()
    for order, expected in (("desc", newest_first), ("asc", newest_first[::-1])):
        for start in (0, 49, 350, 1000, len(expected) - 3, len(expected) + 5):
            answer = await merged.list(order=order, start=start, limit=50)
            assert ids(answer) == expected[start : start + 50]


async def test_filters():
    merged, order, _ = world()
    only = ids(await merged.list(printer="klipper", limit=1000))
    assert only == [job_id for job_id in order if job_id.startswith("klipper-")]
    assert all(i.startswith("o") for i in ids(await merged.list(printer="x1c", limit=1000)))
    failed = (await merged.list(status="error", limit=1000))["jobs"]
    assert {job["status"] for job in failed} == {"error"}
    assert {job["printer"] for job in failed} == {"klipper", "x1c"}
    found = (await merged.list(search="boat 3", limit=1000))["jobs"]
    assert found and {job["name"] for job in found} == {"boat 3"}
    late = (await merged.list(since=50_000.0, limit=1000))["jobs"]
    assert min(job["start_time"] for job in late) > 50_000.0
    for printer in (None, "klipper"):
        with pytest.raises(MoonfleetError, match="nonsense"):
            await merged.list(printer=printer, status="nonsense")


async def test_one_job_and_none():
    merged, _, _ = world(3, 3)
    assert (await merged.job("o1"))["printer"] == "x1c"
    assert (await merged.job("klipper-000002"))["job_id"] == "klipper-000002"
    for unknown in ("o9", "klipper-00FFFF", "klipper-zz", ""):
        with pytest.raises(MoonfleetError, match="no job"):
            await merged.job(unknown)


async def test_totals_are_of_both():
    merged, _, moonraker = world(3, 0)
    moonraker.totals = {
        "total_jobs": 40, "total_time": 1000.0, "total_print_time": 900.0,
        "total_filament_used": 5000.0, "longest_job": 400.0, "longest_print": None,
    }  # fmt: skip
    both = (await merged.totals())["job_totals"]
    assert both == {
        "total_jobs": 43, "total_time": 1090.0, "total_print_time": 970.0,
        "total_filament_used": 5000.0, "longest_job": 400.0, "longest_print": 30.0,
    }  # fmt: skip
    assert (await merged.totals("x1c"))["job_totals"]["total_jobs"] == 3
    for moonraker.totals in ([], None, {"total_jobs": "many"}):
        assert (await merged.totals())["job_totals"]["total_jobs"] == 3
    moonraker.broken = True
    assert (await merged.totals())["job_totals"]["total_jobs"] == 3


async def test_statistics_have_the_local_jobs_that_ended_in_the_period(tmp_path):
    """Also those that began before it did; each once, beside ours."""
    database = Database(tmp_path / "history.db")
    history = History(database, TableDefinition)
    await history.start()
    start = 1_790_000_000.0
    ends = {"began before": -100.0, "inside": 5000.0, "ends after": 86_400.0 + 10.0}
    rows = [
        {"job_id": f"{n:06X}", "status": "completed", "filename": f"{name}.gcode",
         "start_time": start + end - 900.0, "end_time": start + end + 800.0,
         "total_duration": 1700.0, "print_duration": 1600.0}
        for n, (name, end) in enumerate(ends.items())
    ]  # fmt: skip
    history.take(
        JobRecord("ours", "x1c", "error", start + 100.0, start + 300.0, print_duration=150.0)
    )
    merged = MergedHistory(history, Moonraker(rows))
    found = await merged.statistics(None, start, start + 86_400.0)
    assert {name: figures["jobs"] for name, figures in found["printers"].items()} == {
        "klipper": 2,
        "x1c": 1,
    }
    assert found["fleet"]["print_time"] == pytest.approx(2 * 1600.0 + 150.0)
    assert found["fleet"]["median"] == pytest.approx(1600.0)
    assert found["fleet"]["success_rate"] == pytest.approx(2 / 3)
    assert (await merged.statistics("x1c", start, start + 86_400.0))["fleet"]["jobs"] == 1
    local = await merged.statistics(LOCAL, start, start + 86_400.0)
    assert local["fleet"]["jobs"] == 2
    await history.stop()
    database.close()


async def test_a_local_job_is_deleted_where_it_lives():
    merged, _, _ = world(3, 3)
    assert await merged.delete("o1") == {"deleted_jobs": ["o1"]}
    with pytest.raises(MoonfleetError, match="Moonraker's own history; delete it there"):
        await merged.delete("klipper-000001")


async def test_a_broken_moonraker_history_leaves_ours():
    merged, order, moonraker = world(5, 5)
    moonraker.broken = True
    assert ids(await merged.list()) == [job_id for job_id in order if job_id.startswith("o")]


def test_a_row_becomes_a_job():
    row = {
        "job_id": "00002A", "exists": True, "end_time": 2000.0, "filament_used": 500.0,
        "filename": "dir/cube.gcode", "print_duration": 800.0, "status": "completed",
        "start_time": 1000.0, "total_duration": 1000.0, "user": "me",
        "metadata": {"filament_total": 1000.0, "filament_weight_total": 3.0,
                     "filament_type": "PLA"},
        "auxiliary_data": [
            {"provider": "moonfleet", "name": "heatup_time", "value": 120.5},
            {"provider": "spoolman", "name": "eta_error", "value": 9},
        ],
    }  # fmt: skip
    job = local_job(row)
    assert (job["job_id"], job["printer"], job["name"]) == (
        "klipper-00002A",
        "klipper",
        "cube.gcode",
    )
    assert (job["status"], job["progress"]) == ("completed", 1.0)
    assert (job["heatup_time"], job["eta_error"]) == (120.5, None)
    assert job["filament"][0]["material"] == "PLA" and job["filament"][0]["grams"] == 1.5


@pytest.mark.parametrize(
    "row", [{}, {"metadata": "x", "auxiliary_data": [1], "start_time": "now", "filename": 7}]
)
def test_a_strange_row_is_a_poor_job(row):
    job = local_job(row)
    assert job["status"] == "interrupted" and job["filament"] == []
