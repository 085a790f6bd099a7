# The hosts as processes, spoken to over Klipper's API socket in real time
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""What Moonraker needs: the stand-in, and a real checkout on the same plants."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import pytest

from .client import KlippyClient, connect, poll
from .conftest import PYTHON
from .lab import ROOT

HOST = "tests.emulators.klippy_host"


@pytest.fixture
def host(checkout: str, tmp_path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A running host; gives the path of its socket."""
    with tempfile.TemporaryDirectory(prefix="kh") as short:  # socket paths are limited
        path = pathlib.Path(short) / "s"
        where = ["--socket", str(path), "--data", str(tmp_path), "--speed", "8"]
        where += ["--log", str(tmp_path / "klippy.log")]
        command = [sys.executable, "-m", HOST, *where]
        if checkout:
            command = [PYTHON, "-m", f"{HOST}.real", "--klipper", checkout, *where]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                assert process.stdout.readline() == f"ready: {path}\n"
                yield path
            finally:
                process.send_signal(signal.SIGTERM)
                code = process.wait(30)
        assert code == 0


@pytest.fixture
def client(host: pathlib.Path) -> Iterator[KlippyClient]:
    client = connect(host)
    yield client
    client.close()


def test_what_moonraker_asks(client: KlippyClient, tmp_path: pathlib.Path) -> None:
    info = client.call("info", client_info={"program": "test"})
    assert info["state"] == "ready"
    assert os.path.samefile(info["config_file"], tmp_path / "config" / "printer.cfg")
    assert info["process_id"] > 0
    endpoints = client.call("list_endpoints")["endpoints"]
    for name in ("info", "objects/subscribe", "gcode/script", "emergency_stop"):
        assert name in endpoints
    for name in ("pause_resume/pause", "register_remote_method", "heater_eta/cancel"):
        assert name in endpoints
    objects = client.call("objects/list")["objects"]
    for name in ("webhooks", "heaters", "extruder", "heater_eta", "heater_eta extruder"):
        assert name in objects
    config = client.status("configfile")
    assert config["config"]["virtual_sdcard"]["path"] == str(tmp_path / "gcodes")
    assert config["settings"]["extruder"]["max_temp"] == 280.0
    heaters = client.status("heaters")
    assert heaters["available_heaters"] == ["heater_bed", "heater_generic chamber", "extruder"]
    assert "HEATER_ETA" in client.call("gcode/help")
    assert client.fail("no/such/endpoint")
    assert "nothing" not in client.call("objects/query", objects={"nothing": None})["status"].get(
        "nothing", {}
    )


def test_a_subscriber_is_sent_changes_only(client: KlippyClient) -> None:
    template = {"method": "update"}
    # until the sensors have reported it is unknown
    poll(lambda: client.status("heater_eta extruder")["state"] == "off", "a first reading")
    first = client.call(
        "objects/subscribe",
        objects={"heater_eta": None, "heater_eta extruder": None},
        response_template=template,
    )
    assert first["status"]["heater_eta extruder"]["state"] == "off"
    client.call("gcode/script", script="M104 S200")
    update = client.until(lambda: client.pushed and client.pushed.pop(0), "an update")
    assert update["method"] == "update"
    changed = update["params"]["status"]["heater_eta extruder"]
    assert changed["state"] == "heating" and changed["eta"] > 0
    assert "learned" not in changed, "only what changed"
    assert update["params"]["status"]["heater_eta"]["heater"] == "extruder"
    assert "out of range" in client.fail("gcode/script", script="M104 S999")
    client.call("gcode/script", script="M104 S0")


def test_a_job_runs_pauses_and_ends(client: KlippyClient, tmp_path: pathlib.Path) -> None:
    job = tmp_path / "gcodes" / "job.gcode"
    move = "G1 X10 F600\nG1 X0\n"
    job.write_text("M82\n" + move * 300, encoding="utf-8")
    client.call("gcode/subscribe_output", response_template={"method": "said"})

    def state() -> str:
        return client.status("print_stats")["state"]

    def reaches(wanted: str) -> None:
        poll(lambda: state() == wanted, wanted)

    client.call("gcode/script", script='SDCARD_PRINT_FILE FILENAME="job.gcode"')
    reaches("printing")
    assert "SD busy" in client.fail("gcode/script", script="SDCARD_PRINT_FILE FILENAME=job.gcode")
    client.call("pause_resume/pause")
    reaches("paused")
    assert client.status("pause_resume")["is_paused"] is True
    client.call("pause_resume/resume")
    reaches("printing")
    client.call("pause_resume/cancel")
    reaches("cancelled")
    job.write_text("G4 P10\n" * 5, encoding="utf-8")
    client.call("gcode/script", script="SDCARD_PRINT_FILE FILENAME=job.gcode")
    reaches("complete")
    for name in ("missing.gcode", "../config/printer.cfg"):
        assert "nable to open file" in client.fail(
            "gcode/script", script=f"SDCARD_PRINT_FILE FILENAME={name}"
        )
    assert "minimum temp" in client.fail("gcode/script", script="G1 E5 F300")


def test_restart_and_emergency_stop(host: pathlib.Path, client: KlippyClient) -> None:
    client.send("gcode/script", script="RESTART")
    with pytest.raises((ConnectionError, OSError)):
        while True:
            client.read()
    again = connect(host)
    assert again.call("info")["state"] == "ready"
    again.call("gcode/script", script="M104 S200")
    again.call("emergency_stop")
    info = again.call("info")
    assert info["state"] == "shutdown" and "webhooks" in info["state_message"]
    poll(lambda: again.status("heater_eta")["heating"] is False, "nothing heats")
    assert "shutdown" in again.fail("gcode/script", script="M104 S100").lower()
    again.send("gcode/script", script="FIRMWARE_RESTART")
    with pytest.raises((ConnectionError, OSError)):
        while True:
            again.read()
    last = connect(host)
    assert last.call("info")["state"] == "ready"
    last.close()
    again.close()


def test_another_client_cancels_a_wait(host: pathlib.Path, client: KlippyClient) -> None:
    """G-code would queue behind the wait; the endpoint does not."""
    client.call("gcode/script", script="M140 S100")
    poll(lambda: client.status("heater_eta heater_bed")["heating"], "a first reading")
    waiting = client.send("gcode/script", script="HEATER_ETA_WAIT HEATER=heater_bed")
    other = connect(host)
    behind = other.send("gcode/script", script="M118 mine")
    canceller = connect(host)
    # until the wait has begun there is nothing to cancel
    poll(
        lambda: canceller.call("heater_eta/cancel") == {} and _answered(client, waiting),
        "the wait ends",
    )
    assert client.answer(waiting)["error"]["message"] == "heater_bed: wait cancelled"
    assert "error" not in other.answer(behind)
    assert client.status("heater_eta heater_bed")["heating"], "the heater itself goes on"
    other.close()
    canceller.close()


def _answered(client: KlippyClient, number: int) -> bool:
    client.call("info")
    return number in client.answers


def test_hostile_requests(host: pathlib.Path, client: KlippyClient) -> None:
    other = KlippyClient(host)
    for text in (b"", b"{", b"[]", b"null", b'{"id": 1}', b'{"method": 5}', b"\xff\xfe"):
        other.sock.sendall(text + b"\x03")
    other.sock.sendall(b'{"id": 9, "method": "objects/query", "params": {"objects": {"a": 5}}}\x03')
    assert "error" in other.answer(9)
    other.sock.sendall(b"[" * 5000 + b"\x03")
    other.close()
    assert client.call("info")["state"] == "ready"
