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
