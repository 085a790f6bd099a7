# Scenario: heat-ups with a klippy.log to learn from
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""A real klippy writes its own log; for the stand-in the same lines are written here."""

from .basics import CONFIG


def _stats_line(lab):
    parts = []
    for name in ("heater_bed", "chamber", "extruder"):
        heater = lab.heater(name)
        parts.append(
            f"{name}: target={heater.target_temp:.0f} temp={heater.last_temp:.1f}"
            f" pwm={heater.last_pwm_value:.3f}"
        )
    return f"Stats {lab.reactor.monotonic():.1f}: gcodein=0 {' '.join(parts)} sysload=0.1\n"


def _log(lab):
    if not lab.real:
        path = lab.folder / "klippy.log"
        with path.open("w", encoding="utf-8") as stream:
            stream.write("Start printer at Fri Nov 20 13:15:43 2026 (1795180543.4 1889.9)\n")
            stream.write(f"===== Config file =====\n{CONFIG}\n=======================\n")

        def tick():
            with path.open("a", encoding="utf-8") as stream:
                stream.write(_stats_line(lab))

        lab.every(1.0, tick)
    took = []
    for _ in range(3):
        took.append(lab.timed("M109 S210"))
        lab.gcode("M190 S60")
        lab.wait(30.0)
        lab.gcode("TURN_OFF_HEATERS")
        lab.wait(700.0)
    lab.data["took"] = took
    lab.gcode("PID_CALIBRATE HEATER=extruder TARGET=170")
    lab.wait(5.0)


log = CONFIG, [_log]
