# Scenarios: a plan across the ends of a printer's life, what disturbs a hotend, memory of old lives
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Run inside the host; see `lab`."""

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
