# Scenario: the configuration examples, loaded and used
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Run inside the host; see `lab`."""

import pathlib

from .basics import CONFIG

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "config_examples"
PLAIN = CONFIG.replace("[heater_eta]\n", "")
INCLUDES = f"""
[respond]
[include {FOLDER}/sample-heater_eta.cfg]
[include {FOLDER}/sample-heater_eta-macros.cfg]
"""


def _use(lab):
    lab.data.update(lab.state())
    lab.data["idle"] = lab.gcode("WHEN_READY")
    running = lab.background("HEAT_UP BED=50 NOZZLE=180")
    lab.wait(20.0)
    lab.data["waiting"] = not running
    lab.data["hub"] = lab.status("heater_eta")
    lab.until(lambda: bool(running), 1200)
    lab.data["ready"] = [lab.eta("extruder"), lab.eta("heater_bed")]
    lab.data["row"] = lab.status("temperature_combined extruder")
    lab.gcode("M104 S230")
    lab.wait(2.0)
    lab.data["when"] = lab.gcode("WHEN_READY")
    lab.data["nozzle"] = lab.gcode("NOZZLE_ETA")
    lab.data["soak"] = lab.timed("HEAT_SOAK MINUTES=1")
    lab.gcode("TURN_OFF_HEATERS")
    lab.gcode("WAIT_COOL BELOW=45")
    lab.data["cool"] = lab.heater("heater_bed").last_temp


use = PLAIN + INCLUDES, [_use]
