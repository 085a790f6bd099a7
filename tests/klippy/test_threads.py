# An unmodified klippy process with its real threads and a micro-controller on a terminal
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Readings arrive on klippy's serial thread here, as on a printer; everything is in real time."""

from __future__ import annotations

import pathlib
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator

import pytest

from tests.emulators.klippy_host.plants import Plant
from tests.emulators.klippy_host.real.fake_mcu import FakeMcu
from tests.emulators.klippy_host.real.shadow import build_shadow

from .client import KlippyClient, connect, poll
from .conftest import PYTHON

CONFIG = """
[mcu]
serial: @LINK@

[printer]
kinematics: none
max_velocity: 300
max_accel: 3000

[adc_temperature linear]
temperature1: 0
voltage1: 0
temperature2: 500
voltage2: 5

[extruder]
nozzle_diameter: 0.400
filament_diameter: 1.750
heater_pin: H0
sensor_type: linear
sensor_pin: T0
control: pid
pid_Kp: 10
pid_Ki: 0.02
pid_Kd: 20
min_temp: 0
max_temp: 280

[heater_bed]
heater_pin: H1
sensor_type: linear
sensor_pin: T1
control: watermark
min_temp: 0
max_temp: 120

[heater_eta]
"""
START = (
    "import sys; sys.path.insert(0, sys.argv.pop(1));"
    "import importlib; importlib.import_module(sys.argv.pop(1)).main()"
)


@pytest.fixture
def client(checkout: str, kalico: bool, tmp_path: pathlib.Path) -> Iterator[KlippyClient]:
    if not checkout:
        pytest.skip("only a real klippy has these threads: set KLIPPER_DIR")
    plants = [Plant(4.0, 0.006, 0.004, 0.02, 1.0), Plant(2.5, 0.003, 0.004, 0.02, 0.5)]
    with tempfile.TemporaryDirectory(prefix="klipper_host_", dir="/tmp") as short:
        link = f"{short}/mcu"  # klippy opens such a name as a pipe, without setting a speed
        mcu = FakeMcu(link, plants)
        thread = threading.Thread(target=mcu.run, daemon=True)
        thread.start()
        config = tmp_path / "printer.cfg"
        config.write_text(CONFIG.replace("@LINK@", link), encoding="utf-8")
        tree = build_shadow(checkout, tmp_path / "shadow")
        module = "klippy.printer" if kalico else "klippy"
        command = [PYTHON, "-c", START, str(tree), module, str(config)]
        command += ["-a", f"{short}/api", "-I", f"{short}/tty", "-l", str(tmp_path / "klippy.log")]
        with subprocess.Popen(command, cwd=tmp_path) as process:
            try:
                found = connect(pathlib.Path(f"{short}/api"))
                info = found.call("info")
                assert info["state"] == "ready", info["state_message"]
                yield found
                found.close()
            finally:
                process.send_signal(signal.SIGKILL)
                process.wait(30)
                mcu.running = False
                thread.join(30)
                mcu.close()


def test_heating_with_real_threads(client: KlippyClient, tmp_path: pathlib.Path) -> None:
    poll(lambda: client.status("heater_eta extruder")["state"] == "off", "a first reading")
    client.call(
        "objects/subscribe",
        objects={"heater_eta extruder": ["state", "eta"]},
        response_template={},
    )
    client.call("gcode/script", script="M140 S40\nM104 S45")
    release = client.send("gcode/script", script="M190 S40\nM109 S45")
    client.until(lambda: release in client.answers, "M109 returns")
    for heater in ("extruder", "heater_bed"):
        poll(lambda heater=heater: client.status(f"heater_eta {heater}")["ready"], heater)  # type: ignore[misc]
    seen = []
    known: dict[str, object] = {"state": "off", "eta": 0.0}
    for update in client.pushed:
        known.update(update["params"]["status"].get("heater_eta extruder", {}))
        seen.append((known["state"], known["eta"]))
    assert {"heating", "ready"} <= {state for state, _ in seen}, seen
    assert len({eta for _, eta in seen}) > 5, seen
    for state, eta in seen:
        climbing = state in ("heating", "approaching", "settling")
        assert isinstance(eta, float) and (eta >= 1.0 if climbing else eta == 0.0), seen
    client.call("emergency_stop")
    poll(lambda: client.status("heater_eta")["heating"] is False, "nothing heats")
    log = (tmp_path / "klippy.log").read_text(encoding="utf-8", errors="replace")
    assert "the printer is not affected" not in log, "an error of the extra"
    assert "Traceback" not in log
