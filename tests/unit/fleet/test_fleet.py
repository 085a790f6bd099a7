# The fleet: fan-out, isolation, life
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""One printer's trouble is never another's, and every change is told once."""

from __future__ import annotations

import json

import pytest
from moonfleet.bridges.base import Connection, Link, PrinterSettings
from moonfleet.core.errors import UnknownPrinter
from moonfleet.core.model import Fault, PrintState, Severity
from moonfleet.fleet import Change

from tests.unit.fleet.fakes import Clock, FakeBridge, Store, heated, make_fleet, shot


async def test_names_put_the_local_printer_first():
    fleet, _ = make_fleet("zeta", "klipper", "alpha")
    assert fleet.names() == ("klipper", "alpha", "zeta")


async def test_an_unknown_name_is_an_error_that_names_the_known():
    fleet, _ = make_fleet("x1c")
    with pytest.raises(UnknownPrinter, match=r"no printer named 'mk4'; known: x1c"):
        fleet.printer("mk4")


async def test_a_change_is_told_with_before_and_after():
    fleet, bridges = make_fleet("x1c")
    changes: list[Change] = []
    fleet.listen(changes.append)
    await fleet.start()
    bridges["x1c"].online(shot())
    bridges["x1c"].host.on_snapshot(shot(PrintState.PRINTING))
    await fleet.stop()
    last = changes[-1]
    assert (last.before.state, last.after.state) == (PrintState.STANDBY, PrintState.PRINTING)
    assert last.connection.state is Link.ONLINE
    assert fleet.printer("x1c").online


async def test_an_unchanged_report_is_a_sign_of_life_and_no_news():
    clock = Clock()
    fleet, bridges = make_fleet("x1c", clock=clock)
    await fleet.start()
    bridges["x1c"].online(shot())
    changes: list[Change] = []
    fleet.listen(changes.append)
    clock.advance(7)
    bridges["x1c"].host.on_snapshot(shot())
    await fleet.stop()
    assert changes == []
    assert fleet.printer("x1c").connection.last_report == clock.unix


async def test_a_removed_listener_hears_nothing_and_a_failing_one_harms_nobody(caplog):
    fleet, bridges = make_fleet("x1c")
    heard: list[Change] = []

    def broken(_change: Change) -> None:
        raise RuntimeError("listener")

    fleet.listen(broken)
    remove = fleet.listen(heard.append)
    await fleet.start()
    bridges["x1c"].online(shot())
    count = len(heard)
    assert count > 0
    remove()
    remove()
    bridges["x1c"].host.on_snapshot(shot(PrintState.PRINTING))
    await fleet.stop()
    assert len(heard) == count


async def test_a_bridge_that_cannot_be_made_or_started_costs_itself_only():
    class Unmade(FakeBridge):
        def __init__(self, *args):
            raise RuntimeError("no such library")

    class Unstarted(FakeBridge):
        async def start(self):
            raise OSError("no socket")

    fleet, bridges = make_fleet("good")
    fleet.add(PrinterSettings("unmade", "fake", "U"), Unmade)
    fleet.add(PrinterSettings("unstarted", "fake", "U"), Unstarted)
    await fleet.start()
    bridges["good"].online(shot())
    assert fleet.printer("good").online
    for name, text in (("unmade", "no such library"), ("unstarted", "no socket")):
        connection = fleet.printer(name).connection
        assert connection.state is Link.FAULT
        assert text in (connection.message or "")
    await fleet.stop()


async def test_a_broken_section_is_shown_with_its_reason():
    fleet, _ = make_fleet()
    fleet.add_broken(
        PrinterSettings("x1c", "bambu", "X1C"), "[moonfleet x1c] option 'host': missing"
    )
    await fleet.start()
    info = fleet.printer("x1c").to_json()
    await fleet.stop()
    assert info["connection"]["state"] == "config_error"
    assert "option 'host'" in info["connection"]["message"]
    assert info["capabilities"] == [] and info["online"] is False


async def test_a_bridge_that_does_not_stop_is_left_behind():
    class Stuck(FakeBridge):
        async def stop(self):
            raise RuntimeError("stuck")

    fleet, bridges = make_fleet("good")
    fleet.add(PrinterSettings("stuck", "fake", "S"), Stuck)
    await fleet.start()
    await fleet.stop()
    assert bridges["good"].stopped


async def test_printer_info_has_every_key_and_is_json():
    fleet, bridges = make_fleet("x1c", "klipper")
    await fleet.start()
    bridges["x1c"].online(shot(PrintState.PRINTING, heaters=heated(20.0, 210.0)))
    info = fleet.printer("x1c").to_json()
    local = fleet.printer("klipper").to_json()
    await fleet.stop()
    assert set(info) == {
        "name",
        "display_name",
        "type",
        "managed",
        "online",
        "connection",
        "control",
        "capabilities",
        "snapshot",
        "heaters",
        "job",
        "virtual",
    }
    assert info["display_name"] == "X1C"
    assert info["capabilities"] == ["cancel", "pause", "resume"]  # control: jobs
    assert info["job"]["job_id"]
    assert info["virtual"] == {"path": "/websocket/moonfleet/x1c", "port": None}
    assert local["virtual"] is None
    assert set(info["heaters"]) == {"extruder"}
    assert info["heaters"]["extruder"].keys() >= {"state", "eta", "ready_at", "health"}
    json.dumps(info, allow_nan=False)


async def test_silence_ends_no_job_and_a_restart_keeps_it():
    clock, store = Clock(), Store()
    fleet, bridges = make_fleet("x1c", clock=clock, store=store)
    steps: list[tuple[str, str]] = []
    fleet.listen_jobs(lambda record, action: steps.append((record.job_id, action)))
    await fleet.start()
    bridges["x1c"].online(shot())
    bridges["x1c"].host.on_snapshot(shot(PrintState.PRINTING))
    bridges["x1c"].host.on_connection(Connection(Link.UNREACHABLE, "gone"))
    clock.advance(3600)
    assert [action for _, action in steps] == ["added"]
    assert fleet.printer("x1c").job is not None
    await fleet.save()
    await fleet.stop()

    again, bridges = make_fleet("x1c", clock=clock, store=store)
    again.listen_jobs(lambda record, action: steps.append((record.job_id, action)))
    await again.start()
    job = again.printer("x1c").job
    assert job is not None and job.job_id == steps[0][0]
    bridges["x1c"].online(shot(PrintState.PRINTING, progress=0.9))
    bridges["x1c"].host.on_snapshot(shot(PrintState.COMPLETE, progress=1.0))
    for _ in range(3):
        clock.advance(120)
        bridges["x1c"].host.on_snapshot(shot(PrintState.COMPLETE, progress=1.0))
    await again.stop()
    assert [action for _, action in steps if action in ("added", "finished")] == [
        "added",
        "finished",
    ]
    assert len({job_id for job_id, _ in steps}) == 1


async def test_jobs_of_the_local_klipper_are_never_copied():
    fleet, bridges = make_fleet("klipper")
    steps: list[str] = []
    events: list[str] = []
    fleet.listen_jobs(lambda record, action: steps.append(action))
    fleet.listen_events(lambda event: events.append(event["type"]))
    await fleet.start()
    bridges["klipper"].online(shot())
    bridges["klipper"].host.on_snapshot(shot(PrintState.PRINTING))
    await fleet.stop()
    assert steps == []
    assert "job_started" in events


async def test_a_report_that_cannot_be_digested_is_logged_once(caplog, monkeypatch):
    fleet, bridges = make_fleet("x1c", "other")
    await fleet.start()
    bridges["x1c"].online(shot())
    member = bridges["x1c"].host

    def broken(*_args):
        raise ValueError("bad report")

    monkeypatch.setattr(member.tracker, "observe", broken)
    for number in range(5):
        bridges["x1c"].host.on_snapshot(shot(speed_factor=1.0 + number))
    bridges["other"].online(shot())
    await fleet.stop()
    assert fleet.printer("other").online
    assert len([r for r in caplog.records if "could not be used" in r.message]) == 1


async def test_every_line_in_the_log_names_its_printer(caplog):
    caplog.set_level("INFO")
    for _ in range(2):  # loggers outlive a restart inside the process
        _, bridges = make_fleet("x1c")
    logger = bridges["x1c"].host.logger
    logger.info("connected, %d slots", 4)
    logger.info("x1c: firmware %s", "1.8")
    logger.info("[moonfleet x1c] option 'host': is wrong")
    assert [record.getMessage() for record in caplog.records] == [
        "x1c: connected, 4 slots",
        "x1c: firmware 1.8",
        "[moonfleet x1c] option 'host': is wrong",
    ]


async def test_learned_heaters_survive():
    clock, store = Clock(), Store()
    fleet, bridges = make_fleet("x1c", clock=clock, store=store)
    await fleet.start()
    bridges["x1c"].online()
    for _ in range(2):
        for second in range(400):
            clock.advance(1.0)
            temperature = min(200.0, 25.0 + second * 2.0)
            bridges["x1c"].host.on_snapshot(
                shot(heaters=heated(temperature, 200.0 if second > 2 else 0.0))
            )
        for _ in range(60):  # learning is done in slices between reports
            fleet._members["x1c"].tick(clock.time())
    await fleet.save()
    await fleet.stop()
    stored = json.loads(store.texts["x1c", "heaters"])
    assert stored["extruder"]


async def test_faults_are_in_the_snapshot_and_told_as_events():
    fleet, bridges = make_fleet("x1c")
    await fleet.start()
    events: list[dict] = []
    fleet.listen_events(events.append)
    fault = Fault("0300_0100_0001_0001", Severity.FATAL, "https://example.org/hms")
    bridges["x1c"].online(shot(faults=(fault,)))
    await fleet.stop()
    assert [e["code"] for e in events if e["type"] == "fault"] == ["0300_0100_0001_0001"]
