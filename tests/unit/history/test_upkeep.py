# Events, connected time and maintenance counters
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
from __future__ import annotations

import sqlite3

import pytest
from moonfleet.history import History, writer
from moonfleet.history.maintenance import Counter
from moonfleet.history.query import BadQuery, UnknownJob

from .conftest import START
from .provider import TableDefinition


def event(n: int, **details):
    return {"id": n, "time": START + n, "type": "fault", "printer": "x1c", **details}


async def test_events_come_back_newest_first(history):
    for n in range(1, 6):
        history.note_event(event(n, printer="mk4" if n == 3 else "x1c", code=f"c{n}"))
    found = await history.events()
    assert [one["id"] for one in found] == [5, 4, 3, 2, 1]
    assert found[0] == event(5, code="c5")
    assert [one["id"] for one in await history.events("mk4")] == [3]
    assert [one["id"] for one in await history.events(since=START + 3)] == [5, 4]
    assert [one["id"] for one in await history.events(limit=2)] == [5, 4]


async def test_events_are_bounded_and_counted_on(database, history, monkeypatch):
    monkeypatch.setattr(writer, "MAX_EVENTS", 10)
    for n in range(1, 31):
        history.note_event(event(n))
    await history.flush()
    assert len(await history.events(limit=100)) == 10
    again = History(database, TableDefinition)
    await again.start()
    assert await again.last_event_id() == 30


async def test_an_event_waits_for_company(history, database, job):
    database.commits = 0
    history.note_event(event(1))
    history.note_online("x1c", 5.0)
    assert (await history.list())["count"] == 0
    assert database.commits == 0
    history.take(job())
    await history.list()
    assert database.commits == 1
    assert len(await history.events()) == 1
    assert database.commits == 1


async def test_events_survive_a_database_that_refuses(history, database):
    database.fault = sqlite3.OperationalError("database is locked")
    history.note_event(event(1))
    await history.flush()
    history.note_event(event(2))
    database.fault = None
    await history.flush()
    assert [one["id"] for one in await history.events()] == [2, 1]


async def test_damaged_details_of_an_event(history):
    history.note_event(event(1, code="x"))
    await history.flush()
    await history.run(lambda c: c.execute("UPDATE moonfleet_events SET details = '{'"))
    assert await history.events() == [event(1)]


async def test_utilisation_is_print_time_of_connected_time(history, job):
    end = START + 600
    history.take(job(end_time=end))
    for _ in range(10):
        history.note_online("x1c", 200.0, end)
    await history.flush()
    history.take(job(printer="mk4", end_time=end))
    history.note_online("mk4", 1000.0, end)
    period = START - 3 * 86400, START + 3 * 86400
    found = await history.statistics("x1c", *period)
    assert found["fleet"]["connected_time"] == pytest.approx(2000.0)
    assert found["fleet"]["utilisation"] == pytest.approx(500 / 2000)
    found = await history.statistics(None, *period)
    assert found["fleet"]["connected_time"] == pytest.approx(3000.0)
    shares = {name: figures["utilisation"] for name, figures in found["printers"].items()}
    assert shares == {"x1c": pytest.approx(500 / 2000), "mk4": pytest.approx(500 / 1000)}


NOZZLE = Counter("x1c", "nozzle", "print_time", 1200.0)
BELT = Counter("x1c", "belt", "jobs")


async def values(history):
    return {one["counter"]: one["value"] for one in (await history.maintenance())["counters"]}


async def test_counters_run_from_where_they_were_reset(history, job):
    history.take(job())
    await history.flush()
    await history.configure_maintenance([NOZZLE, BELT])
    assert await values(history) == {"nozzle": 0.0, "belt": 0.0}
    history.take(job())
    history.take(job(printer="mk4"))
    assert await values(history) == {"nozzle": 500.0, "belt": 1.0}
    await history.reset_maintenance("x1c", "nozzle")
    assert await values(history) == {"nozzle": 0.0, "belt": 1.0}


async def test_a_deleted_job_was_run_all_the_same(history, job):
    await history.configure_maintenance([NOZZLE])
    record = job()
    history.take(record)
    await history.delete(record.job_id)
    assert await values(history) == {"nozzle": 500.0}


async def test_a_threshold_is_told_once_until_the_reset(history, job):
    await history.configure_maintenance([NOZZLE, BELT])
    told = []
    for _ in range(5):
        history.take(job())
        told.append([one["counter"] for one in await history.maintenance_due()])
    assert told == [[], [], ["nozzle"], [], []]
    await history.reset_maintenance("x1c", "nozzle")
    for _ in range(3):
        history.take(job())
    assert [one["counter"] for one in await history.maintenance_due()] == ["nozzle"]


async def test_the_configuration_may_change(history, job):
    await history.configure_maintenance([NOZZLE, BELT])
    history.take(job())
    await history.flush()
    await history.configure_maintenance([Counter("x1c", "nozzle", "print_time", 100.0)])
    assert await values(history) == {"nozzle": 500.0}
    assert [one["counter"] for one in await history.maintenance_due()] == ["nozzle"]
    await history.configure_maintenance([Counter("x1c", "nozzle", "days", 1.0)])
    found = (await history.maintenance("x1c"))["counters"][0]
    assert found["value"] == pytest.approx(0.0, abs=0.01)


async def test_wrong_names_are_answered(history):
    with pytest.raises(UnknownJob, match="nozzle"):
        await history.reset_maintenance("x1c", "nozzle")
    with pytest.raises(BadQuery, match="furlongs"):
        Counter("x1c", "belt", "furlongs")
