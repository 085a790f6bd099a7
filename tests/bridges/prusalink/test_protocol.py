# Single answers of both flavours and what the memory makes of them
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Pure protocol: no server, no socket."""

from __future__ import annotations

import json
from typing import Any, Optional

import pytest
from moonfleet.bridges.prusalink.protocol.identity import Flavour, parse_version
from moonfleet.bridges.prusalink.protocol.ledger import JobLedger
from moonfleet.bridges.prusalink.protocol.memory import ATTENTION, PrinterMemory
from moonfleet.core.model import JobPhase, PrinterSnapshot, PrintState

BUDDY: dict[str, Any] = {"api": "2.0.0", "server": "2.1.2", "text": "PrusaLink", "hostname": "x"}
PYTHON: dict[str, Any] = {
    "api": "2.0.0",
    "server": "0.8.1",
    "original": "PrusaLink I3MK3S",
    "text": "PrusaLink 0.8.1",
    "firmware": "3.14.1-8237",
}


def memory(flavour: str) -> PrinterMemory:
    made = PrinterMemory()
    made.take_version(BUDDY if flavour == "buddy" else PYTHON)
    made.take_info({"serial": "S1"})
    return made


def poll(
    printer: PrinterMemory, state: Optional[str], job: Any = None, **more: Any
) -> PrinterSnapshot:
    document: dict[str, Any] = {"printer": {"state": state, **more}}
    if job is not None:
        document["job"] = job
    snapshot = printer.take_status(document)
    assert snapshot is not None
    return snapshot


def running(job_id: int, progress: float, left: Any = 600, spent: Any = 60) -> dict[str, Any]:
    job = {"id": job_id, "progress": progress, "time_remaining": left, "time_printing": spent}
    return {name: value for name, value in job.items() if value is not None}


# ---- identity ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "flavour", "model"),
    [
        (BUDDY, Flavour.BUDDY, None),
        ({**BUDDY, "printer": "7.1.0", "firmware": "6.5.3+1"}, Flavour.BUDDY, "CORE One"),
        ({**BUDDY, "printer": "2.1.0"}, Flavour.BUDDY, "MINI"),
        ({**BUDDY, "printer": "1.3.5"}, Flavour.BUDDY, "MK3.5"),
        ({**BUDDY, "printer": "1.3.9"}, Flavour.BUDDY, "MK3.9"),
        ({**BUDDY, "printer": "1.4.1"}, Flavour.BUDDY, "MK4S"),
        ({**BUDDY, "printer": "3.1.0"}, Flavour.BUDDY, "XL"),
        ({**BUDDY, "printer": "99.1.0"}, Flavour.BUDDY, None),
        (PYTHON, Flavour.PYTHON, "MK3S"),
        (
            {**PYTHON, "api": "0.9.0-legacy", "original": "PrusaLink I3MK25S"},
            Flavour.PYTHON,
            "MK2.5S",
        ),
        ({"api": "2.0.0", "text": "PrusaLink 0.7.2"}, Flavour.PYTHON, None),
    ],
)
def test_flavour_and_model(document: Any, flavour: Flavour, model: Optional[str]) -> None:
    identity = parse_version(document)
    assert identity is not None and identity.refusal is None
    assert (identity.flavour, identity.model) == (flavour, model)


@pytest.mark.parametrize("text", ["Prusa SL1 1.7.0", "PrusaLink SL1S"])
def test_an_sl1_is_refused_in_one_sentence(text: str) -> None:
    identity = parse_version({"api": "0.1", "server": "1.0", "text": text})
    assert identity is not None and "SL1" in (identity.refusal or "")


def test_an_octoprint_is_told_apart() -> None:
    identity = parse_version({"api": "0.1", "server": "1.10.0", "text": "OctoPrint 1.10.0"})
    assert identity is not None and "OctoPrint" in (identity.refusal or "")


@pytest.mark.parametrize("document", [None, [], "x", {}, {"text": 3, "api": []}, {"text": "x"}])
def test_no_identity(document: Any) -> None:
    assert parse_version(document) is None


def test_a_configured_model_wins() -> None:
    printer = PrinterMemory("XL 5T")
    printer.take_version(PYTHON)
    assert printer.snapshot().model == "XL 5T"


# ---- states -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "job", "state", "phase", "stage"),
    [
        ("IDLE", None, PrintState.STANDBY, JobPhase.NONE, None),
        ("READY", None, PrintState.STANDBY, JobPhase.NONE, "ready"),
        ("PRINTING", running(7, 10), PrintState.PRINTING, JobPhase.ACTIVE, None),
        ("PAUSED", running(7, 10), PrintState.PAUSED, JobPhase.PAUSED, None),
        ("ATTENTION", running(7, 10), PrintState.PAUSED, JobPhase.PAUSED, "attention"),
        ("ATTENTION", None, PrintState.STANDBY, JobPhase.HELD, "attention"),
        ("BUSY", None, PrintState.STANDBY, JobPhase.HELD, "busy"),
        ("FINISHED", None, PrintState.COMPLETE, JobPhase.COMPLETED, None),
        ("STOPPED", None, PrintState.CANCELLED, JobPhase.CANCELLED, None),
        (
            "ERROR",
            None,
            PrintState.ERROR,
            JobPhase.FAILED,
            "error, temperatures are the last known",
        ),
        ("UNKNOWN", None, None, JobPhase.HELD, None),
        ("something new", None, None, JobPhase.HELD, None),
        (None, None, None, JobPhase.HELD, None),
    ],
)
def test_every_word(word: Any, job: Any, state: Any, phase: JobPhase, stage: Any) -> None:
    snapshot = poll(memory("buddy"), word, job)
    assert (snapshot.state, snapshot.job_report.phase, snapshot.stage) == (state, phase, stage)


def test_busy_holds_an_open_job() -> None:
    printer = memory("buddy")
    before = poll(printer, "PRINTING", running(7, 40))
    busy = poll(printer, "BUSY")
    assert busy.state is PrintState.PRINTING and busy.job == before.job
    assert busy.job_report.phase is JobPhase.HELD
    after = poll(printer, "PRINTING", running(7, 41))
    assert after.job_report.identity == before.job_report.identity == "S1:0:7"


def test_attention_without_a_job_keeps_what_was() -> None:
    printer = memory("buddy")
    poll(printer, "PRINTING", running(7, 40))
    poll(printer, "FINISHED")
    assert poll(printer, "ATTENTION").state is PrintState.COMPLETE


def test_a_question_before_the_next_print_names_the_last_job() -> None:
    printer = memory("buddy")
    poll(printer, "PRINTING", running(7, 99))
    poll(printer, "FINISHED")
    asked = poll(printer, "ATTENTION", running(7, 0))
    assert asked.state is PrintState.COMPLETE
    assert asked.job_report.phase is JobPhase.HELD


def test_the_fault_is_in_the_servers_words() -> None:
    complaint = {"status_printer": {"ok": False, "message": "Serial device does not exist"}}
    assert poll(memory("python"), "ERROR", **complaint).message == "Serial device does not exist"
    fine = {"status_printer": {"ok": True, "message": "OK"}}
    assert poll(memory("python"), "IDLE", **fine).message is None
    assert poll(memory("python"), "ATTENTION", running(1, 3)).message == ATTENTION


def test_absent_is_none_never_zero() -> None:
    snapshot = poll(memory("python"), "IDLE", flow=100, speed=100)
    assert snapshot.heaters == {} and snapshot.speed_factor == 1.0
    half = poll(memory("python"), "IDLE", temp_nozzle=20.0)
    assert half.heaters["extruder"].target is None and half.speed_factor is None


def test_chamber_and_dialog_are_used_when_a_server_has_them() -> None:
    printer = memory("buddy")
    snapshot = printer.take_status(
        {
            "printer": {"state": "ATTENTION"},
            "chamber": {"temp": 41.5, "target_temp": 45.0, "fan_1_rpm": 2000},
            "dialog": {"id": 3, "code": 23812, "button0": "OK"},
            "job": running(3, 5),
        }
    )
    assert snapshot is not None and snapshot.heaters["chamber"].temperature == 41.5
    assert snapshot.faults[0].code == "23812" and "23812" in (snapshot.message or "")


def test_after_an_error_nothing_heats() -> None:
    cold = {"temp_nozzle": 40.0, "target_nozzle": 215.0}
    printer = memory("python")
    poll(printer, "PRINTING", running(7, 1), **cold)
    assert printer.heating()
    poll(printer, "ERROR", **cold)
    assert not printer.heating(), "the values are old ones, and would be asked for ever"


# ---- jobs -------------------------------------------------------------------------------------


def test_the_python_servers_stale_progress() -> None:
    printer = memory("python")
    poll(printer, "PRINTING", running(44, 100, 0, 300))
    poll(printer, "FINISHED")
    stale = poll(printer, "PRINTING", running(45, 100, 0, None))
    assert stale.job is not None
    assert stale.job.progress is None and stale.job.time_left is None
    dropped = poll(printer, "PRINTING", running(45, 0, 1800, None))
    assert dropped.job is not None and dropped.job.progress == 0.0
    real = poll(printer, "PRINTING", running(45, 5, 1700, 20))
    assert real.job is not None
    assert (real.job.progress, real.job.time_left, real.job.print_duration) == (0.05, 1700.0, 20.0)


def test_attention_on_the_python_server_keeps_the_last_good_values() -> None:
    printer = memory("python")
    poll(printer, "PRINTING", running(43, 35, 240, 35))
    asked = poll(printer, "ATTENTION", running(43, 0, None, None))
    assert asked.job is not None
    assert (asked.job.progress, asked.job.time_left, asked.job.print_duration) == (
        0.35,
        240.0,
        35.0,
    )


def test_progress_never_falls_within_a_job() -> None:
    printer = memory("buddy")
    poll(printer, "PRINTING", running(7, 40))
    lower = poll(printer, "PRINTING", running(7, 12))
    assert lower.job is not None and lower.job.progress == 0.4
    other = poll(printer, "PRINTING", running(8, 1))
    assert other.job is not None and other.job.progress == 0.01


def test_the_end_is_shown_with_the_job_that_ended() -> None:
    printer = memory("buddy")
    poll(printer, "PRINTING", running(7, 97, 30, 900))
    done = poll(printer, "FINISHED")
    assert done.job is not None and done.job.progress == 1.0 and done.job.time_left == 0.0
    assert done.job_report.identity == "S1:0:7"
    assert poll(printer, "IDLE").job is None


def test_a_stop_of_ours_is_remembered_until_it_shows() -> None:
    printer = memory("buddy")
    poll(printer, "PRINTING", running(7, 30))
    printer.note_cancel()
    parking = poll(printer, "PRINTING", running(7, 30))
    assert parking.stage == "cancelling" and parking.job_report.cancel_echo
    assert poll(printer, "STOPPED").job_report.cancel_echo
    assert not poll(printer, "PRINTING", running(8, 0)).job_report.cancel_echo


def test_files_of_both_flavours() -> None:
    printer = memory("buddy")
    poll(printer, "PRINTING", running(7, 30))
    assert printer.wants_file
    entry = {"name": "LONGNA~1.BGC", "display_name": "long name.bgcode", "path": "/usb/DIR"}
    assert not printer.take_job({"id": 8, "file": entry})  # another job's
    assert printer.take_job({"id": 7, "state": "PRINTING", "file": {**entry, "refs": None}})
    job = printer.snapshot().job
    assert job is not None
    assert (job.name, job.filename, job.origin) == (
        "long name.bgcode",
        "DIR/long name.bgcode",
        "usb",
    )
    printer = memory("python")
    poll(printer, "PRINTING", running(7, 30))
    place = "/PrusaLink gcodes/sub dir/cube 2.gcode"
    long = {"name": "cube 2.gcode", "display_name": "cube 2.gcode", "path": place}
    assert printer.take_job({"id": 7, "state": "PRINTING", "file": long})
    job = printer.snapshot().job
    assert job is not None
    assert (job.filename, job.origin) == ("sub dir/cube 2.gcode", "local")


def test_a_job_has_no_identity_before_the_serial_number_is_known() -> None:
    printer = PrinterMemory()
    printer.take_version({**PYTHON, "firmware": None})
    printer.take_info({"serial": None})
    early = poll(printer, "PRINTING", running(7, 30))
    assert early.job_report.phase is JobPhase.ACTIVE and early.job_report.identity is None
    printer.take_version(PYTHON)
    printer.take_info({"serial": "S1"})
    assert poll(printer, "PRINTING", running(7, 30)).job_report.identity == "S1:0:7"


def test_a_printer_without_a_serial_number_is_known_by_its_ids() -> None:
    printer = PrinterMemory()
    printer.take_version(BUDDY)
    printer.take_info({"hostname": "x"})
    assert poll(printer, "PRINTING", running(7, 30)).job_report.identity == "-:0:7"


# ---- ids --------------------------------------------------------------------------------------


def test_ids_wrap_start_again_and_leave_gaps() -> None:
    ledger = JobLedger(serial="S1")
    assert ledger.enter(65534, Flavour.BUDDY) == ("S1:0:65534", 1)
    assert ledger.enter(65534, Flavour.BUDDY) == ("S1:0:65534", 1)
    assert ledger.enter(1, Flavour.BUDDY) == ("S1:1:1", 4)  # 65535 and 0 ran unseen
    assert ledger.enter(4, Flavour.BUDDY) == ("S1:1:4", 7)
    assert ledger.enter(2, Flavour.BUDDY) == ("S1:2:2", 8)  # set back: a new board
    ledger.use_serial("S2")
    assert ledger.enter(9, Flavour.BUDDY) == ("S2:3:9", 9)
    again = JobLedger.from_text(ledger.to_text())
    assert again == ledger


@pytest.mark.parametrize("stored", [None, "", "{", "[]", '{"epoch": "x", "last_id": -3}'])
def test_a_damaged_ledger_is_a_fresh_one(stored: Optional[str]) -> None:
    assert JobLedger.from_text(stored) == JobLedger()


# ---- hostile ----------------------------------------------------------------------------------

NASTY: list[Any] = [
    None, True, -1, 1e308, float("nan"), 10**30, "", "x" * 99999, [], [[]], {}, {"a": {}}, "\x00",
]  # fmt: skip


@pytest.mark.parametrize("flavour", ["buddy", "python"])
def test_any_value_anywhere_does_no_harm(flavour: str) -> None:
    whole = {
        "printer": {
            "state": "PRINTING",
            "temp_nozzle": 20.0,
            "target_nozzle": 0.0,
            "speed": 100,
            "status_printer": {"ok": False, "message": "m"},
        },
        "job": running(5, 20),
        "chamber": {"temp": 3},
        "dialog": {"code": 5},
        "storage": [],
    }
    file = {"id": 5, "state": "PRINTING", "file": {"name": "a", "path": "/usb", "refs": {}}}
    for nasty in NASTY:
        for path in (("printer",), ("job",), ("chamber",), ("dialog",), ("storage",)):
            _with(flavour, whole, path, nasty)
        for section in ("printer", "job"):
            for name in whole[section]:
                _with(flavour, whole, (section, name), nasty)
        printer = memory(flavour)
        poll(printer, "PRINTING", running(5, 1))
        for name in file:
            printer.take_job({**file, name: nasty})
        for name in ("name", "display_name", "path", "refs", "size"):
            printer.take_job({**file, "file": {**file["file"], name: nasty}})  # type: ignore[dict-item]
        printer.take_version(nasty)
        printer.take_info(nasty)
        printer.take_material(nasty)
        printer.take_status(nasty)
        json.dumps(printer.snapshot().to_json(), allow_nan=False)


def _with(flavour: str, whole: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    document = json.loads(json.dumps(whole))
    inner = document
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    printer = memory(flavour)
    printer.take_status(document)
    printer.take_status(document)
    json.dumps(printer.snapshot().to_json(), allow_nan=False)
