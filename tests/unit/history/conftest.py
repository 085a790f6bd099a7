# A history on a database of its own
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
from __future__ import annotations

import itertools

import pytest
from moonfleet.core.jobs_record import JobRecord
from moonfleet.history import History

from .provider import Database, TableDefinition

START = 1_700_000_000.0


@pytest.fixture
def database(tmp_path):
    made = Database(tmp_path / "test.db")
    yield made
    made.close()


@pytest.fixture
async def history(database):
    made = History(database, TableDefinition)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def job():
    numbers = itertools.count()

    def make(status: str = "completed", **details) -> JobRecord:
        n = next(numbers)
        values = {
            "job_id": f"job{n}",
            "printer": "x1c",
            "status": status,
            "start_time": START + 1000 * n,
            "end_time": None if status == "in_progress" else START + 1000 * n + 600,
            "name": f"part {n}",
            "filename": f"part_{n}.3mf",
            "total_duration": 600.0,
            "print_duration": 500.0,
            "pause_duration": 50.0,
        }
        values.update(details)
        return JobRecord(**values)

    return make
