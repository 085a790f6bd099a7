# Scenarios: a plan across the ends of a printer's life, what disturbs a hotend, memory of old lives
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Run inside the host; see `lab`."""

import json

from .basics import CONFIG
from .controls import SECOND, SECOND_PLANT

HEATERS = ("extruder", "heater_bed")


def _plan(lab):
    lab.gcode("HEATER_ETA_PREHEAT HEATER_BED=90 EXTRUDER=215")
    lab.wait(5.0)
    targets = [lab.heater(name).target_temp for name in HEATERS]
    assert targets == [0.0, 90.0], "the bed heats, the nozzle waits for its turn"
    assert lab.printer.lookup_object("heater_eta").preheat.active


def _note(lab, name):
    """Long after the nozzle's turn would have come."""
    lab.wait(400.0)
    lab.data[name] = {
        "targets": [lab.heater(heater).target_temp for heater in HEATERS],
        "heating": [lab.eta(heater)["heating"] for heater in HEATERS],
        "hub": lab.status("heater_eta")["heating"],
        "active": lab.printer.lookup_object("heater_eta").preheat.active,
        "state": lab.state()["state"],
    }


def _planned(lab):
    lab.preset(hotend=23.0, bed=23.0)
    _plan(lab)
    lab.later(0.0, lambda: lab.gcode("RESTART"))


def _restarted(lab):
    _note(lab, "restart")
    lab.preset(hotend=23.0, bed=23.0)
    _plan(lab)
    lab.later(0.0, lambda: lab.gcode("FIRMWARE_RESTART"))


def _firmware_restarted(lab):
    _note(lab, "firmware_restart")
    lab.preset(hotend=23.0, bed=23.0)
    _plan(lab)
    waiting = lab.background("HEATER_ETA_WAIT")
    lab.wait(3.0)
    lab.printer.invoke_shutdown("Test shutdown")
    lab.until(lambda: bool(waiting), 3.0)
    lab.wait(400.0)
    lab.data["shutdown"] = lab.heater().target_temp
    lab.later(0.0, lambda: lab.gcode("FIRMWARE_RESTART"))


def _after_shutdown(lab):
    _note(lab, "after_shutdown")
    lab.preset(hotend=23.0, bed=23.0)
    _plan(lab)  # and it works again
    lab.until(lambda: lab.heater().target_temp == 215.0, 1200)


plans = CONFIG, [_planned, _restarted, _firmware_restarted, _after_shutdown]


def _disturbances(lab):
    """What the model is told when the part fan or the tool changes."""
    told = []
    hub = lab.printer.lookup_object("heater_eta")
    for name, monitor in hub.monitors.items():
        monitor.disturb = lambda share, name=name: told.append(name)

    def after(action):
        told.clear()
        action()
        lab.wait(3.0)
        return sorted(told)

    def change_tool():
        if lab.real:
            lab.gcode("ACTIVATE_EXTRUDER EXTRUDER=extruder1")
        else:  # the stand-in has no tools to change, but the event is the same
            lab.printer.send_event("extruder:activate_extruder")

    lab.data["fan_on"] = after(lambda: lab.gcode("M106 S255"))
    lab.data["fan_little"] = after(lambda: lab.gcode("M106 S240"))
    lab.data["nothing"] = after(lambda: None)
    lab.data["fan_off"] = after(lambda: lab.gcode("M107"))
    lab.data["tool"] = after(change_tool)


disturbances = SECOND_PLANT + CONFIG + SECOND, [_disturbances]


def _where(lab):
    lab.data["module"] = type(lab.printer.lookup_object("heater_eta")).__module__
    lab.data.update(lab.state())


where = CONFIG, [_where]


def _with_options(lab):
    hub = lab.printer.lookup_object("heater_eta")
    lab.data["path"] = str(hub.path.relative_to(lab.folder))
    lab.gcode("M190 S60\nM109 S150")
    lab.wait(20.0)
    lab.gcode("TURN_OFF_HEATERS")
    lab.preset(bed=45.0)
    lab.wait(10.0)
    lab.data["tepid"] = lab.eta("heater_bed")["state"]
    lab.until(lambda: lab.eta("heater_bed")["state"] != "cooling", 3000)
    lab.data["cooled"] = lab.heater("heater_bed").last_temp
    lab.on_disk(lambda: hub.path.is_file() and not list(hub.path.parent.glob(".*")))
    data = json.loads(hub.path.read_text(encoding="utf-8"))
    lab.data["kept"] = sorted(data["heaters"])
    lab.data["fingerprint"] = data["heaters"]["extruder"]["fingerprint"]
    # as if the bed had been learned before the option was set
    data["heaters"]["heater_bed"] = {**data["heaters"]["extruder"], "heats": 5}
    hub.path.write_text(json.dumps(data), encoding="utf-8")
    lab.later(0.0, lambda: lab.gcode("RESTART"))


def _with_options_again(lab):
    lab.data["learned"] = {name: lab.eta(name)["learned"] for name in HEATERS}


OPTIONS = """path: @GCODES@/../other/eta.json

[heater_eta heater_bed]
cool_threshold: 35
learn: False

[heater_eta extruder]
kind: chamber
"""
options = CONFIG + OPTIONS, [_with_options, _with_options_again]


def _plan_joined(lab):
    """The job's own M104 with the planned target starts that heater; the plan is content."""
    _plan(lab)
    before = len(lab.said)
    lab.gcode("M104 S215")
    lab.wait(5.0)
    lab.data["joined"] = [lab.heater(name).target_temp for name in HEATERS]
    lab.data["table"] = "\n".join(lab.gcode("HEATER_ETA"))
    lab.data["said"] = [line for line in lab.said[before:] if "preheat ended" in line]
    lab.gcode("TURN_OFF_HEATERS")
    lab.preset(hotend=23.0, bed=23.0)
    lab.wait(30.0)
    # a bed that does not heat holds the nozzle back, for as long as it takes
    _plan(lab)
    lab.sensor("bed").plant.strength = 0.0
    lab.until(lambda: lab.eta("heater_bed")["state"] in ("stalled", "unreachable"), 600)
    lab.wait(600.0)
    lab.data["held_back"] = [lab.heater(name).target_temp for name in HEATERS]
    lab.endpoint("heater_eta/cancel")
    lab.data["cancelled"] = lab.printer.lookup_object("heater_eta").preheat.active
    lab.data["state"] = lab.state()["state"]


# without the watchdog that would shut the printer down first
joined = CONFIG + "\n[verify_heater heater_bed]\nmax_error: 1000000\n", [_plan_joined]
