# The history as CSV and JSON lines
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
from __future__ import annotations

import csv
import io
import json

import pytest
from moonfleet.history.query import BadQuery
from moonfleet.history.service import PIECE


async def export(history, form, **filters) -> str:
    return "".join([piece async for piece in history.export(form, **filters)])


async def test_json_lines_are_the_jobs(history, job):
    records = [job() for _ in range(2 * PIECE + 7)]
    for record in records:
        history.take(record)
    lines = (await export(history, "jsonl")).splitlines()
    assert [json.loads(line) for line in lines] == [record.to_json() for record in records]


async def test_csv_is_read_back_by_a_spreadsheet(history, job):
    slots = tuple(
        {"unit": 0, "slot": n, "material": m, "grams": g}
        for n, (m, g) in enumerate([("PLA", 10.25), ("PETG", None), ("PLA", 2.0)])
    )
    history.take(job(name='two "quoted"\nlines, ümläut', filament=slots, faults=("A", "B")))
    history.take(job(name="=HYPERLINK(1)", status_estimated=True))
    text = await export(history, "csv")
    first, second = csv.DictReader(io.StringIO(text, newline=""))
    assert first["name"] == 'two "quoted"\nlines, ümläut'
    assert (first["materials"], first["filament_grams"]) == ("PLA PETG PLA", "12.25")
    assert (first["start_time"], first["end_time"]) == (
        "2023-11-14T22:13:20Z",
        "2023-11-14T22:23:20Z",
    )
    assert (first["faults"], first["status_estimated"]) == ("A B", "0")
    assert (second["name"], second["status_estimated"]) == ("'=HYPERLINK(1)", "1")


async def test_filters_hold_for_an_export(history, job):
    for record in (job(name="vase"), job("error", name="cup"), job("error", name="vase two")):
        history.take(record)
    lines = (await export(history, "jsonl", status="error", search="vase")).splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["vase two"]


async def test_a_job_that_is_deleted_meanwhile_skips_no_other(history, job):
    records = [job() for _ in range(PIECE + 50)]
    for record in records:
        history.take(record)
    pieces = history.export("jsonl")
    await pieces.__anext__()
    text = await pieces.__anext__()
    for record in records[:20]:
        await history.delete(record.job_id)
    text += "".join([piece async for piece in pieces])
    assert len(text.splitlines()) == len(records)


async def test_an_unknown_format_is_named(history):
    with pytest.raises(BadQuery, match="xlsx"):
        await export(history, "xlsx")


async def test_nothing_gives_a_header_and_no_rows(history):
    assert len((await export(history, "csv")).splitlines()) == 1
    assert await export(history, "jsonl") == ""
