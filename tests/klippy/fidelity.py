# Scenario: one event log of heating, waiting, switching and cooling
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Recorded on the stand-in and in a real klippy; see `test_fidelity`."""

from .basics import CONFIG

PLANTS = {"extruder": "hotend", "heater_bed": "bed", "chamber": "chamber"}


def _log(lab):
    rows = []
    states = {name: [] for name in PLANTS}

    def tick():
        if len(rows) <= lab.now():
            temps = [round(lab.sensor(plant).last, 4) for plant in PLANTS.values()]
            rows.append([round(lab.now(), 1), *temps])
        for name, seen in states.items():
            state = lab.eta(name)["state"]
            if not seen or seen[-1] != state:
                seen.append(state)
        return lab.now() > 1500.0

    lab.wait(0.1)  # apart from the timers of the extra
    lab.every(0.25, tick)
    events = []
    for script in (
        "SET_HEATER_TEMPERATURE HEATER=chamber TARGET=40",
        "M190 S60",
        "M109 S210",
        "M106 S255",
        "M104 S180",
        "TEMPERATURE_WAIT SENSOR=extruder MAXIMUM=190",
        "M109 S180",
        "M107",
        "M109 S230",
        "M140 S40",
        "TURN_OFF_HEATERS",
        "TEMPERATURE_WAIT SENSOR=extruder MAXIMUM=60",
    ):
        lab.gcode(script)
        events.append([script, round(lab.now(), 2)])
        lab.wait(3.0)
    refusals = {}
    for script in (
        "M104 S999",
        "M140 S-5",
        "G1 E5 F300",
        "TEMPERATURE_WAIT SENSOR=extruder",
        "SET_HEATER_TEMPERATURE HEATER=nothing TARGET=50",
        "SET_HEATER_TEMPERATURE TARGET=50",
        "SDCARD_PRINT_FILE FILENAME=missing.gcode",
        "M104 Sx",
    ):
        try:
            # numbers of options lists and of formats differ between versions, sentences do not
            refusals[script] = lab.refused(script)
        except AssertionError as err:
            refusals[script] = str(err)
    lab.data["unknown"] = lab.gcode("NO_SUCH_COMMAND")
    lab.wait(max(0.0, 1505.0 - lab.now()))
    lab.data.update(rows=rows, events=events, states=states, refusals=refusals)


log = CONFIG, [_log]
