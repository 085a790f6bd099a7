# The history on a plain SQLite file
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from dataclasses import replace

import pytest
from moonfleet.core.jobs import JobTracker
from moonfleet.core.model import JobPhase
from moonfleet.history import History, query, rows, schema, writer
from moonfleet.history.query import BadQuery, UnknownJob

from ..jobs.table import BAMBU, snapshot
from .conftest import START
from .provider import Database, TableDefinition


async def names(history, **filters):
    return [job["name"] for job in (await history.list(**filters))["jobs"]]


async def test_a_job_comes_back_as_it_was_told(history, job):
    record = job(
        display_name="X1 Carbon",
        start_estimated=True,
        status_estimated=True,
        progress=1.0,
        layer=94,
        layers=94,
        filament=({"unit": 0, "slot": 1, "material": "PLA", "color": "FF0000", "grams": 12.5},),
        max_temperatures={"extruder": 221.5},
        heatup_time=120.0,
        eta_error=-3.0,
        faults=("0300_8015",),
        origin="cloud",
        notes="ümläut",
        missed_before=2,
    )
    history.take(record, "added")
    assert await history.job(record.job_id) == record.to_json()


async def test_an_unknown_job_is_an_error_that_names_it(history):
    with pytest.raises(UnknownJob, match="nowhere") as caught:
        await history.job("nowhere")
    assert caught.value.status == 404


async def test_a_job_that_goes_on_stays_one_row(history, job):
    record = job("in_progress", display_name="X1 Carbon")
    history.take(record, "added")
    await history.flush()
    history.take(replace(record, progress=0.5, display_name=None), "updated")
    await history.flush()
    done = replace(record, status="completed", end_time=START + 600, display_name=None)
    history.take(done, "finished")
    found = await history.list()
    assert found["count"] == 1
    assert found["jobs"][0]["status"] == "completed"
    assert found["jobs"][0]["display_name"] == "X1 Carbon"


async def test_filters(history, job):
    for record in (
        job(name="Benchy", filename="3DBenchy.3mf"),
        job("cancelled", name="vase"),
        job("error", name="vase two", printer="mk4"),
        job("in_progress", name="cup", printer="mk4"),
        job(name="50%_off", notes="for Ada"),
    ):
        history.take(record)
    assert await names(history) == ["50%_off", "cup", "vase two", "vase", "Benchy"]
    assert await names(history, order="asc", limit=2) == ["Benchy", "vase"]
    assert await names(history, limit=2, start=1) == ["cup", "vase two"]
    assert await names(history, printer="mk4") == ["cup", "vase two"]
    assert await names(history, status="completed") == ["50%_off", "Benchy"]
    assert await names(history, printer="mk4", status="error") == ["vase two"]
    assert await names(history, since=START + 2000) == ["50%_off", "cup"]
    assert await names(history, before=START + 1700) == ["vase", "Benchy"]
    assert await names(history, since=START, before=START + 2601) == ["vase two", "vase"]
    assert await names(history, search="bench") == ["Benchy"]
    assert await names(history, search="VASE") == ["vase two", "vase"]
    assert await names(history, search="vase tw") == ["vase two"]
    assert await names(history, search="vase", printer="mk4") == ["vase two"]
    assert await names(history, search="vase", status="cancelled") == ["vase"]
    assert await names(history, search="vase", since=START + 1500) == ["vase two"]
    assert await names(history, search="0%") == ["50%_off"]
    assert await names(history, search="%_o") == ["50%_off"]
    assert await names(history, search="ada") == ["50%_off"]
    assert await names(history, search="p:mk4") == []
    assert await names(history, search='" OR words : "vase') == []


async def test_search_without_an_index_finds_the_same(history, job):
    for record in (job(name="Benchy"), job(name="vase"), job(name="cup")):
        history.take(record)
    await history.flush()
    history._words = False
    assert await names(history, search="bench") == ["Benchy"]
    assert await names(history, search="a_e") == []


async def test_short_words_are_found_in_portions(history, job, monkeypatch):
    """A word of two letters is in no index; the rows are looked at window by window."""
    monkeypatch.setattr("moonfleet.history.service.MAX_PAGE", 7)
    for n in range(50):
        history.take(job(name="ox" if n % 10 == 3 else "cow", notes=f"n{n}"))
    found = await history.list(search="ox")
    assert [found_job["notes"] for found_job in found["jobs"]] == ["n43", "n33", "n23", "n13", "n3"]
    page = await history.list(search="ox", start=1, limit=2, order="asc")
    assert [found_job["notes"] for found_job in page["jobs"]] == ["n13", "n23"]
    assert await names(history, search="zq") == []
    assert await names(history, search="ox", before=START + 14_000) == ["ox", "ox"]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"status": "done"}, "status"),
        ({"order": "up"}, "order"),
        ({"limit": 0}, "limit"),
        ({"limit": 10**9}, "limit"),
        ({"start": -1}, "start"),
    ],
)
async def test_a_wrong_question_is_answered_with_the_remedy(history, wrong, named):
    with pytest.raises(BadQuery, match=named):
        await history.list(**wrong)


async def test_two_jobs_may_start_in_the_same_millisecond(history, job):
    first = job()
    history.take(first)
    history.take(replace(first, job_id="other", name="twin"))
    assert sorted(await names(history)) == ["part 0", "twin"]


async def test_a_corrected_clock_moves_the_job_to_its_place(history, job):
    wrong = job("in_progress", name="wrong clock")
    history.take(job(name="later"))
    history.take(wrong)
    await history.flush()
    assert await names(history, order="asc") == ["wrong clock", "later"]
    history.take(replace(wrong, start_time=START + 50_000))
    assert await names(history, order="asc") == ["later", "wrong clock"]
    assert await names(history, search="wrong") == ["wrong clock"]
    assert await names(history, since=START + 40_000) == ["wrong clock"]


async def test_delete(history, job):
    record = job()
    history.take(record)
    assert await history.delete(record.job_id) == {"deleted_jobs": [record.job_id]}
    assert await names(history) == []
    assert await names(history, search="part") == []
    with pytest.raises(UnknownJob):
        await history.delete(record.job_id)


async def test_an_open_job_survives_the_process(database, tmp_path):
    history = History(database, TableDefinition)
    await history.start()
    tracker = JobTracker("x1c", BAMBU)
    tracker.observe(snapshot(JobPhase.NONE), START)
    (event,) = tracker.observe(snapshot(JobPhase.ACTIVE, id="cloud:1"), START + 1)
    history.take(event.record, event.action)
    history.save_open("x1c", tracker.to_dict())
    await history.stop()

    again = History(database, TableDefinition)
    await again.start()
    stored = await again.load_open()
    restored = JobTracker("x1c", BAMBU, stored["x1c"])
    (event,) = restored.observe(snapshot(JobPhase.COMPLETED, id="cloud:1"), START + 50)
    again.take(event.record, event.action)
    found = await again.list()
    assert [job["status"] for job in found["jobs"]] == ["completed"]
    await again.stop()


async def test_saving_an_open_job_updates_its_row(history):
    tracker = JobTracker("x1c", BAMBU)
    tracker.observe(snapshot(JobPhase.NONE), START)
    (event,) = tracker.observe(snapshot(JobPhase.ACTIVE, id="cloud:1"), START + 1)
    history.take(event.record, event.action)
    tracker.observe(snapshot(JobPhase.ACTIVE, id="cloud:1", progress=0.5), START + 51)
    history.save_open("x1c", tracker.to_dict())
    row = await history.job(event.record.job_id)
    assert (row["progress"], row["print_duration"]) == (0.5, 50.0)


async def test_one_commit_for_the_whole_fleet(history, database):
    trackers = [JobTracker(f"p{n}", BAMBU) for n in range(10)]
    for tracker in trackers:
        tracker.observe(snapshot(JobPhase.NONE), START)
        for event in tracker.observe(snapshot(JobPhase.ACTIVE, id="cloud:1"), START + 1):
            history.take(event.record, event.action)
        history.save_open(tracker.printer, tracker.to_dict())
    await history.flush()
    database.commits = 0
    for tracker in trackers:
        tracker.observe(snapshot(JobPhase.ACTIVE, id="cloud:1"), START + 61)
        history.save_open(tracker.printer, tracker.to_dict())
    await history.flush()
    assert database.commits == 1


async def test_nothing_is_written_while_nothing_changes(history, database):
    tracker, database.commits = JobTracker("x1c", BAMBU), 0
    for n in range(5):
        tracker.observe(snapshot(JobPhase.NONE), START + 60 * n)
        history.save_open("x1c", tracker.to_dict())
        await history.flush()
    assert database.commits == 1


async def test_what_cannot_be_written_is_kept_until_it_can(history, database, job, caplog):
    database.fault = sqlite3.OperationalError("database or disk is full")
    history.take(job())
    await history.flush()
    history.take(job())
    await history.flush()
    assert caplog.text.count("cannot be written") == 1
    assert history.trouble is not None and "disk is full" in history.trouble
    database.fault = None
    await history.flush()
    assert history.trouble is None
    assert len(await names(history)) == 2


async def test_a_failure_takes_back_only_our_statements(history, database, job):
    """Other components' uncommitted statements share the connection."""

    def foreign(connection):
        connection.execute("CREATE TABLE foreign_table (x)")
        connection.execute("INSERT INTO foreign_table VALUES (1)")

    await history.run(foreign)

    def ours(connection):
        writer.put_job(connection, job(), False)
        raise OSError("in the middle")

    with pytest.raises(OSError, match="middle"):
        await history.run(lambda c: writer.atomic(c, ours))
    assert (await history.list())["count"] == 0
    await history.run(lambda c: c.commit())
    rows = await history.run(lambda c: c.execute("SELECT x FROM foreign_table").fetchall())
    assert len(rows) == 1


async def test_what_was_just_stored_is_what_is_loaded(history):
    history.save_open("x1c", {"open": None, "echo": False})
    assert await history.load_open() == {"x1c": {"open": None, "echo": False}}
    history.save_open("x1c", {"open": None, "echo": True})
    assert await history.load_open() == {"x1c": {"open": None, "echo": True}}


async def test_one_unfit_job_does_not_hold_up_the_others(history, job, caplog):
    good, bad = job(), replace(job(), print_duration=object())
    history.take(bad)
    history.take(good)
    history.save_open("x1c", {"open": None})
    assert await names(history) == [good.name]
    assert bad.job_id in caplog.text
    assert await history.load_open() == {"x1c": {"open": None}}
    history.take(job())
    assert len(await names(history)) == 2


async def test_nothing_is_written_after_the_end(history, database, job):
    await history.stop()
    database.commits = 0
    history.take(job())
    history.note_event({"id": 1, "time": 0.0, "type": "fault", "printer": "x1c"})
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert database.commits == 0


async def test_the_names_in_the_code_are_those_of_the_tables(history):
    def columns(connection, table):
        return {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}

    jobs = await history.run(lambda c: columns(c, schema.JOBS))
    days = await history.run(lambda c: columns(c, schema.DAYS))
    assert jobs == {"id", *rows.COLUMNS}
    assert days == {"day", "printer", "material", *writer.SUMS}
    tables = await history.run(
        lambda c: [row[0] for row in c.execute("SELECT name FROM sqlite_master")]
    )
    assert {table.name for table in schema.TABLES} <= set(tables)


@pytest.mark.parametrize("words", [True, False])
async def test_every_list_uses_an_index_and_sorts_nothing(history, job, words):
    """SQLite's own plan: no temporary B-tree, and only unfiltered lists walk the table."""
    if words and not history._words:
        pytest.skip("this SQLite has no trigram index")
    for filters in (
        {},
        {"printer": "x1c"},
        {"status": "error"},
        {"printer": "x1c", "status": "error"},
        {"since": 5.0, "before": 9.0},
        {"printer": "x1c", "since": 5.0},
        {"search": "vase"} if words else {},
        {"search": "vase", "printer": "x1c", "status": "error", "order": "asc"} if words else {},
    ):
        statement, values = query.select(query.Query(**filters), words)
        plan = await history.run(
            lambda c, s=statement, v=values: [
                row[3] for row in c.execute(f"EXPLAIN QUERY PLAN {s}", v)
            ]
        )
        assert not any("TEMP B-TREE" in step for step in plan), (filters, plan)
        if filters.keys() & {"printer", "status"} and "search" not in filters:
            assert any("USING INDEX" in step for step in plan), (filters, plan)


async def test_a_caller_that_gives_up_cancels_nothing(history, database):
    release = threading.Event()
    task = asyncio.ensure_future(history.run(lambda c: release.wait(10)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    release.set()
    assert (await history.list())["count"] == 0


async def test_damaged_rows_do_no_harm(history, job):
    history.take(job())
    await history.flush()
    await history.run(
        lambda c: c.execute(
            "UPDATE moonfleet_jobs SET filament = '{', faults = '7', max_temperatures = 'null'"
        )
    )
    (row,) = (await history.list())["jobs"]
    assert (row["filament"], row["faults"], row["max_temperatures"]) == ([], [], {})


async def test_a_damaged_tracker_memory_is_left_out(history):
    await history.run(
        lambda c: c.execute("INSERT INTO moonfleet_state VALUES ('tracker:x1c', '{\"open\":')")
    )
    await history.run(
        lambda c: c.execute("INSERT INTO moonfleet_state VALUES ('tracker:mk4', '{}')")
    )
    assert await history.load_open() == {"mk4": {}}


async def test_the_text_index_is_made_again_when_it_is_lost(history, database, job):
    history.take(job(name="Benchy"))
    await history.flush()
    await history.run(lambda c: c.execute("DROP TABLE moonfleet_words"))
    again = History(database, TableDefinition)
    await again.start()
    assert await names(again, search="bench") == ["Benchy"]


@pytest.mark.parametrize("search", ["x" * 10**6, "a " * 10**5, "\0\0\0", '"""', "* AND (", "()"])
async def test_hostile_searches_find_nothing_and_break_nothing(history, job, search):
    history.take(job(name="vase"))
    assert await names(history, search=search) == [] or "a" in search


async def test_odd_bounds_of_time(history, job):
    history.take(job(name="vase"))
    inf, nan = float("inf"), float("nan")
    assert await names(history, since=-inf, before=inf) == ["vase"]
    assert await names(history, since=nan) == []
    assert await names(history, since=1e300) == []
    with pytest.raises(BadQuery):
        await history.statistics(since=nan)
    with pytest.raises(BadQuery):
        await history.statistics(since=5.0, before=1.0)


async def test_a_database_that_cannot_even_start_is_told(database, job, caplog):
    history = History(database, TableDefinition)
    database.fault = sqlite3.DatabaseError("database disk image is malformed")
    await history.start()
    history.take(job())
    await history.flush()
    assert "malformed" in caplog.text
    database.fault = None
    assert await names(history, search="part") == ["part 0"]
    again = History(database, TableDefinition)
    await again.start()  # what was written without the index is in it now
    assert again._words
    assert await names(again, search="part") == ["part 0"]


async def test_json_of_every_row_is_plain(history, job):
    history.take(replace(job(), heatup_time=float("nan"), energy=float("inf"), name="\ud800"))
    await history.flush()
    json.dumps(await history.list(), allow_nan=False).encode()


async def test_moonraker_shaped_registration(tmp_path):
    """Opening the same file again finds every table at its version."""
    for _ in range(2):
        database = Database(tmp_path / "again.db")
        history = History(database, TableDefinition)
        await history.start()
        assert (await history.list())["count"] == 0
        await history.stop()
        database.close()


async def test_notes_are_kept_found_and_erased(history, job):
    record = job("in_progress")
    history.take(record)
    history.take(job())
    noted = await history.note(record.job_id, "  strings on the left \ud800\x00 ")
    assert noted["notes"].startswith("strings on the left")
    history.take(replace(record, status="completed", end_time=record.start_time + 60.0))
    for word in ("strings", "le"):  # by the index, and by looking
        (found,) = (await history.list(search=word))["jobs"]
        assert (found["job_id"], found["status"]) == (record.job_id, "completed")
    assert (await history.totals())["job_totals"]["total_jobs"] == 2
    assert len((await history.note(record.job_id, "x" * 9000))["notes"]) == 2000
    assert (await history.note(record.job_id, " "))["notes"] is None
    assert (await history.list(search="strings"))["jobs"] == []
    with pytest.raises(UnknownJob, match="nobody"):
        await history.note("nobody", "x")
