# Recorded exchanges through protocol and tracker: the history of what really happened
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
from __future__ import annotations

import json

from moonfleet.bridges.bambu.protocol import PrinterReports
from moonfleet.bridges.prusalink.protocol.memory import PrinterMemory
from moonfleet.core.jobs import JobTracker

from tests.tools import bambu_messages, prusalink_exchange

from .table import BAMBU, PRUSA, START


def test_a_p2s_that_is_paused_and_cancelled(captures):
    """FINISH under the new name, RUNNING with the old layer, the cancel code 4.65 s late."""
    path = captures / "bambu" / "P2S-start-pause-stop-cancel-events.json"
    reports, tracker, events = PrinterReports(), JobTracker("p2s", BAMBU), []
    for record in json.loads(path.read_text()):
        seconds = record["ms"] / 1000
        before = reports.snapshot
        bambu_messages.take(reports, record["payload"], seconds)
        if reports.snapshot is not before:
            events += tracker.observe(reports.snapshot, START + seconds, seconds)
    assert [event.kind for event in events] == ["started", "paused", "finished"]
    job = events[-1].record
    assert (job.status, job.name, job.start_estimated) == ("cancelled", "ams", False)
    assert (job.status_estimated, job.end_estimated) == (False, False)
    assert round(job.start_time - START, 3) == 7.577
    assert round(job.end_time - START, 3) == 24.887
    assert round(job.print_duration, 1) == 1.2
    assert round(job.pause_duration, 1) == 16.1
    assert job.layer in (None, 0)


def test_a_mk3_that_pauses_asks_and_finishes(captures):
    """ATTENTION with progress 0, FINISHED for eleven seconds, and a job that nobody saw."""
    name = "mk3_prusalink_trace_print_pause_attention_finish_stop.json"
    path = captures / "prusalink" / name
    memory, tracker, events = PrinterMemory(), JobTracker("mk3", PRUSA), []
    for poll in json.loads(path.read_text()):
        prusalink_exchange.feed(memory, poll)
        events += tracker.observe(memory.snapshot(), START + poll["t"], poll["t"])
    kinds = [event.kind for event in events]
    assert kinds == ["started", "paused", "resumed", "paused", "resumed", "finished"]
    job = events[-1].record
    assert (job.status, job.status_estimated) == ("completed", False)
    assert (job.start_estimated, job.end_estimated) == (True, False)
    assert round(job.end_time - START, 1) == 49.6
    assert 78 <= job.print_duration <= 80
    assert len({event.record.job_id for event in events}) == 1


def test_first_full_reports_start_or_record_nothing(captures):
    """Every recorded Bambu file: a running printer has a job, a finished one has none."""
    for path in sorted((captures / "bambu").glob("*.json")):
        if path.name == "INDEX.json" or "events" in path.name:
            continue
        seen = bambu_messages.snapshot_of(path)
        tracker = JobTracker("p", BAMBU)
        events = tracker.observe(seen, START)
        running = seen.state is not None and seen.state.value in ("printing", "paused")
        assert (tracker.open is not None) == running, path.name
        assert [e.kind for e in events][:1] == (["started"] if running else []), path.name
