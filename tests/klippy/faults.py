# Scenarios: hostile samples, interrupts
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Run inside the host; see `lab`."""

import random

from .basics import CONFIG, check_status

VALUES = (
    float("nan"),
    float("inf"),
    -float("inf"),
    None,
    "hot",
    1e308,
    -400.0,
    0.0,
    25.0,
    True,
    [],
)


def _fuzz(lab):
    """Our reading of the heater is replaced; the heater itself goes on."""
    rng = random.Random(5)
    monitor = lab.printer.lookup_object("heater_eta extruder")
    real = monitor.heater

    class Hostile:
        def __getattr__(self, name):
            value = getattr(real, name)
            attacked = ("last_temp", "last_temp_time", "target_temp", "last_pwm_value")
            if name in attacked and rng.random() < 0.4:
                return rng.choice(VALUES)
            return value

    lab.gcode("M104 S200")
    lab.wait(5.0)
    monitor.heater = Hostile()
    for _ in range(400):
        lab.wait(0.25)
        check_status(lab.eta())
        lab.gcode("HEATER_ETA")
    monitor.heater = real
    lab.data["state"] = lab.state()["state"]
    lab.wait(15.0)
    lab.data["after"] = lab.eta()
    lab.data["busy"] = lab.heater().check_busy(lab.reactor.monotonic())


fuzz = CONFIG, [_fuzz]


def _interrupt(lab):
    lab.gcode("M140 S60")
    waiting = lab.background("HEATER_ETA_WAIT HEATER=heater_bed")
    lab.wait(3.0)
    lab.printer.lookup_object("gcode").increment_interrupt_counter()
    lab.until(lambda: bool(waiting), 3.0)
    lab.data["end"] = waiting[0]


interrupt = CONFIG, [_interrupt]


def _dead(lab):
    """A cartridge that has come loose: said before verify_heater shuts the printer down."""
    lab.gcode("M109 S150")
    lab.gcode("M104 S0")
    lab.wait(300.0)
    lab.sensor().plant.strength = 0.0
    states = []
    lab.gcode("M104 S200")

    def watch():
        status = lab.eta()
        check_status(status)
        states.append([status["state"], lab.state()["state"]])
        return len(states) > 200

    lab.every(0.25, watch)
    lab.wait(45.0)
    lab.data["states"] = states


dead = CONFIG, [_dead]


def _ageing(lab):
    def heat_up():
        lab.gcode("M109 S210")
        lab.wait(30.0)
        lab.gcode("TURN_OFF_HEATERS")
        lab.preset(hotend=23.0)
        lab.wait(120.0)

    lab.data["healthy"] = []
    lab.data["weak"] = []
    for _ in range(6):
        heat_up()
        lab.data["healthy"].append(lab.eta()["health"])
    lab.sensor().plant.strength = 0.85
    for _ in range(3):
        heat_up()
        lab.data["weak"].append(lab.eta()["health"])
    lab.data["table"] = lab.gcode("HEATER_ETA")
    lab.data["state"] = lab.state()["state"]


ageing = CONFIG, [_ageing]
