# The recorded exchanges: every file is understood, and the emulator has their shapes
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Skipped where the recordings are not at hand; their folder is outside the project."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest
from moonfleet.core.model import PrinterSnapshot, PrintState

from tests.emulators.prusalink import EmulatedPrusaLink
from tests.emulators.prusalink.files import Incoming
from tests.tools.prusalink_exchange import snapshot_of

from .wire import ask

STATES = {
    "mk3_prusalink_status_idle.json": PrintState.STANDBY,
    "mk3_prusalink_status_ready.json": PrintState.STANDBY,
    "mk3_prusalink_status_printing.json": PrintState.PRINTING,
    "mk3_prusalink_status_paused.json": PrintState.PAUSED,
    "mk3_prusalink_status_attention_while_printing.json": PrintState.PAUSED,
    "mk3_prusalink_status_finished.json": PrintState.COMPLETE,
    "mk3_prusalink_status_stopped.json": PrintState.CANCELLED,
    "mk3_prusalink_status_error_maxtemp.json": PrintState.ERROR,
    "mk3_prusalink_status_error_serial_lost.json": PrintState.ERROR,
    "mk3_prusalink_legacy_printer_paused.json": PrintState.PAUSED,
    "mk3_prusalink_legacy_job_printing.json": PrintState.PRINTING,
    "buddy_xl_v1_status_printing.json": PrintState.PRINTING,
    "buddy_xl_ha_status_idle.json": PrintState.STANDBY,
    "buddy_mini_legacy_job_finished.json": PrintState.STANDBY,
}
#: answers that carry the printer, its job or who it is
TELLING = ("/api/v1/status", "/api/v1/job", "/api/printer", "/api/job", "/api/version")


@pytest.fixture(scope="module")
def folder(captures: pathlib.Path) -> pathlib.Path:
    place = captures / "prusalink"
    if not place.is_dir():
        pytest.skip("no recorded PrusaLink exchanges")
    return place


def recorded(folder: pathlib.Path, name: str) -> Any:
    return json.loads((folder / name).read_text())


def test_every_file_yields_a_snapshot(folder: pathlib.Path) -> None:
    silent = PrinterSnapshot().to_json()
    for path in sorted(folder.glob("*.json")):
        said = snapshot_of(path).to_json()
        content = json.loads(path.read_text())
        if isinstance(content, list):
            continue
        telling = content["request"]["path"] in TELLING and content["response"]["status"] == 200
        if not telling:
            assert said == silent, path.name


def test_the_frame_of_a_recording_does_not_matter(folder: pathlib.Path, tmp_path: Any) -> None:
    """The same answer as text, as parsed, bare, with a whole address, in a list."""
    name = "mk3_prusalink_status_printing.json"
    known = snapshot_of(folder / name)
    answer = recorded(folder, name)["response"]["json"]
    text, path = json.dumps(answer), "/api/v1/status"
    frames: list[Any] = [
        {"request": {"url": f"http://10.0.0.5:8080/mk3{path}?x=1"}, "response": {"body": text}},
        {"request": {"path": path}, "response": {"status": 200, "body": answer}},
        {"request": f"GET {path}", "response": {"status": 200, "text": text}},
        {"request": {"path": path}, "response": answer},
        {"response": answer},
        [{"request": {"path": path}, "response": {"status": 200, "json": answer}}],
        answer,
    ]
    for number, frame in enumerate(frames):
        place = tmp_path / "frame.json"
        place.write_text(json.dumps(frame))
        assert snapshot_of(place).to_json() == known.to_json(), number


def test_states(folder: pathlib.Path) -> None:
    for name, state in STATES.items():
        assert snapshot_of(folder / name).state is state, name


def test_values_are_those_of_the_answer(folder: pathlib.Path) -> None:
    for path in sorted(folder.glob("*_status_*.json")):
        content = recorded(folder, path.name)
        if content["response"]["status"] != 200:
            continue
        printer = content["response"]["json"]["printer"]
        heaters = snapshot_of(path).heaters
        for heater, key in (("extruder", "nozzle"), ("heater_bed", "bed")):
            known = heaters.get(heater)
            temperature = None if known is None else known.temperature
            target = None if known is None else known.target
            assert temperature == printer.get(f"temp_{key}"), path.name
            assert target == printer.get(f"target_{key}"), path.name


def test_the_lie_about_progress_is_not_believed(folder: pathlib.Path) -> None:
    stale = snapshot_of(
        folder / "mk3_prusalink_status_printing_stale_progress_right_after_start.json"
    )
    assert stale.state is PrintState.PRINTING and stale.job is not None
    assert stale.job.progress is None and stale.job.time_left is None


# ---- the emulator beside the recordings ---------------------------------------------------------

#: flavour, state, method, path below /api/v1/, recording (``mk3_prusalink_`` left out)
CASES = """
python IDLE GET ../version version
python IDLE GET info info
python IDLE GET status status_idle
python PRINTING GET status status_printing
python PAUSED GET status status_paused
python ATTENTION GET status status_attention_while_printing
python FINISHED GET status status_finished
python STOPPED GET status status_stopped
python ERROR GET status status_error_maxtemp
python STARTING GET status startup_503_service_unavailable
python IDLE GET job job_idle_204
python PRINTING GET job job_printing
python IDLE GET storage storage
python IDLE GET files/local files_local
python IDLE GET files/local/cube.gcode file_info
python IDLE GET files/sdcard files_sdcard
python IDLE GET files/usb files_usb_404
python IDLE GET transfer transfer_idle
python IDLE GET cameras cameras
python IDLE GET cameras/snap cameras_snap
python IDLE GET nonsense unknown_404
python IDLE GET update/system update_system_501
python IDLE POST ../printer/ready set_ready_200
python PRINTING PUT job/1/pause job_pause_204
python PRINTING PUT job/1/resume job_resume_while_printing_409
python PAUSED PUT job/1/pause job_pause_while_paused_409
python ATTENTION PUT job/1/pause job_pause_in_attention
python PRINTING PUT job/99/pause job_pause_not_current
python PRINTING DELETE job/1 job_stop_204
python IDLE DELETE job/1 job_delete_not_current
python PRINTING POST files/local/cube.gcode print_start_while_printing_409
python ERROR POST files/local/cube.gcode print_start_in_error
python IDLE POST files/local/cube.gcode print_start_204
python PRINTING DELETE files/local/cube.gcode file_delete_while_printing_409
buddy IDLE GET ../version buddy_xl_version_printing
buddy IDLE GET info buddy_xl_ha_info
buddy PRINTING GET status buddy_xl_ha_status_printing
buddy IDLE GET status buddy_xl_ha_status_idle
buddy PRINTING GET job buddy_xl_ha_job_printing
buddy PRINTING GET storage buddy_xl_v1_storage_printing
buddy PRINTING GET ../printer buddy_xl_printer_printing
""".strip().splitlines()
#: keys that the recorded printer of that day had or lacked by its file, its clock or its version
FREE = {"meta", "children", "title", "url", "hostname"}


@pytest.mark.parametrize("case", CASES)
async def test_the_emulator_answers_as_recorded(folder: pathlib.Path, case: str) -> None:
    flavour, state, method, path, name = case.split(" ")
    path = "/api/" + path[3:] if path.startswith("../") else f"/api/v1/{path}"
    name = f"{name if flavour == 'buddy' else 'mk3_prusalink_' + name}.json"
    model = "XL" if flavour == "buddy" else "MK3S"
    printer = EmulatedPrusaLink(flavour, model, autopilot=False, api_key="k", password="k")
    _bring_to(printer, state)
    async with printer:
        reply = await ask(printer.port, method, path)
    response = recorded(folder, name)["response"]
    assert reply.status == response["status"]
    if "json" in response and response["json"] is not None:
        assert _shape(json.loads(reply.body)) == _shape(response["json"])
    if "headers" in response:
        kinds = {key.lower(): value for key, value in response["headers"]}
        assert reply.headers["content-type"] == kinds["content-type"]
        assert reply.version == response["http_version"]


GCODE = {"Content-Type": "text/x.gcode"}
PUTS = [
    # what is uploaded where, with which headers, and the recording of what became of it
    ("local/new.gcode", GCODE, b"G28\n", "upload_put_201"),
    ("local/new.gcode", {"Content-Type": "text/plain"}, b"G28\n", "upload_put_415"),
    ("local/new.gcode", {"Content-Type": "application/octet-stream"}, b"G",
     "upload_put_octet_stream"),
    ("local/new.gcode", {**GCODE, "Content-Length": "0"}, b"", "upload_put_empty_411"),
    ("local/cube.gcode", GCODE, b"G28\n", "upload_put_exists_409"),
    ("local/cube.gcode", {**GCODE, "Overwrite": "true"}, b"G",
     "upload_put_bad_boolean_400"),
    ("local/cube.gcode", {**GCODE, "Overwrite": "?1"}, b"G", "upload_put_overwrite_201"),
    ("sdcard/o2.gcode", GCODE, b"G28\n", "upload_put_sdcard"),
    ("usb/o2.gcode", GCODE, b"G28\n", "upload_put_usb"),
    ("local/sub%20dir", {"Create-Folder": "?1", "Content-Length": "0"}, b"", "create_folder"),
]  # fmt: skip


@pytest.mark.parametrize(("place", "headers", "body", "name"), PUTS)
async def test_the_emulator_takes_and_refuses_uploads_as_recorded(
    folder: pathlib.Path, place: str, headers: dict[str, str], body: bytes, name: str
) -> None:
    printer = EmulatedPrusaLink("python", autopilot=False, api_key="k", password="k")
    async with printer:
        reply = await ask(printer.port, "PUT", f"/api/v1/files/{place}", headers, body)
    response = recorded(folder, f"mk3_prusalink_{name}.json")["response"]
    assert reply.status == response["status"]
    assert reply.headers["content-type"] == dict(response["headers"])["Content-Type"]


async def test_a_second_upload_ends_in_500_as_recorded(folder: pathlib.Path) -> None:
    printer = EmulatedPrusaLink("python", autopilot=False, api_key="k", password="k")
    async with printer:
        printer.flavour.incoming = Incoming("slow.gcode", 3000000)
        target = "/api/v1/files/local/other.gcode"
        reply = await ask(printer.port, "PUT", target, {"Content-Type": "text/x.gcode"}, b"G28\n")
        shown = await ask(printer.port, "GET", "/api/v1/transfer")
        status = await ask(printer.port, "GET", "/api/v1/status")
    response = recorded(folder, "mk3_prusalink_upload_put_while_transfer.json")["response"]
    assert reply.status == response["status"] == 500
    active = recorded(folder, "mk3_prusalink_transfer_active.json")["response"]["json"]
    assert _shape(json.loads(shown.body)) == _shape(active)
    within = recorded(folder, "mk3_prusalink_status_with_transfer.json")["response"]["json"]
    assert _shape(json.loads(status.body)["transfer"]) == _shape(within["transfer"])


def _bring_to(printer: EmulatedPrusaLink, state: str) -> None:
    machine = printer.machine
    if state == "STARTING":
        printer.faults.starting = True
    elif state == "ERROR":
        machine.fail("Firmware detected a hardware issue")
    elif state != "IDLE":
        machine.start_print(printer.file())
        job = machine.job
        assert job is not None
        job.elapsed, job.printing = job.length / 2, True
        if state == "FINISHED":
            machine.finish()
        elif state == "STOPPED":
            machine.stop()
            job.stopping_at = 0.0
        else:
            machine.state = state


def _shape(value: Any) -> Any:
    """Keys and kinds; numbers are one kind, and lists are as long as they are."""
    if isinstance(value, dict):
        return {key: _shape(member) for key, member in value.items() if key not in FREE}
    if isinstance(value, list):
        return [_shape(member) for member in value]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return type(value).__name__
    return "number"
