# Scenarios: heating, holding, cooling, retargets, faults, life cycle
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Run inside the host; see `lab`."""

import json
import math
import pathlib

DEFAULT = (
    pathlib.Path(__file__).resolve().parents[1] / "emulators" / "klippy_host" / "default.cfg"
).read_text(encoding="utf-8")
CONFIG = DEFAULT.replace("~/printer_data/gcodes", "@GCODES@")
KEYS = [
    *("state", "heating", "ready", "target", "eta", "eta_reached", "eta_low", "eta_high"),
    *("progress", "rate", "learned", "finish_eventtime", "cooldown_eta", "health"),
]


def check_status(status):
    """What holds of every published value at every moment."""
    assert list(status) == KEYS, list(status)
    for value in status.values():
        assert not isinstance(value, float) or math.isfinite(value), status
    json.dumps(status, allow_nan=False)
    assert isinstance(status["ready"], bool) and isinstance(status["heating"], bool)
    silent = status["state"] in ("unknown", "unreachable", "stalled", "calibrating")
    assert (status["eta"] is None) == silent, status
    if status["state"] in ("off", "ready", "cooling", "cooled"):
        assert status["eta"] == 0.0, status
    if status["heating"] and not silent:
        assert status["eta"] >= 1.0, status
        assert status["eta_low"] <= status["eta"] <= status["eta_high"], status


def record(lab, heater, rows):
    """Append (time, state, eta, temperature) once a second until told to stop."""
    stop = []

    def tick():
        status = lab.eta(heater)
        check_status(status)
        rows.append(
            [round(lab.now(), 3), status["state"], status["eta"], lab.heater(heater).last_temp]
        )
        return bool(stop)

    lab.every(1.0, tick)
    return lambda: stop.append(True)


def states_of(rows):
    states = []
    for row in rows:
        if not states or states[-1] != row[1]:
            states.append(row[1])
    return states


def changes_of(lab, ticks):
    """Keys that a subscriber would be sent over so many ticks."""
    keys = []
    for _ in range(ticks):
        before = {**lab.eta(), **lab.status("heater_eta")}
        lab.wait(0.25)
        after = {**lab.eta(), **lab.status("heater_eta")}
        keys += [key for key in after if after[key] != before[key]]
    return keys


def _heat_hold_cool(lab):
    before = lab.eta()
    lab.data["idle"] = before
    rows = []
    stop = record(lab, "extruder", rows)
    start = lab.now()
    done = lab.background("M109 S200")
    lab.data["first"] = lab.until(lambda: lab.eta()["heating"], limit=5.0, step=0.01)
    lab.data["hub_first"] = lab.status("heater_eta")
    lab.until(lambda: bool(done), limit=600)
    lab.data["release"] = done[0] - start
    lab.data["rows"] = [row for row in rows if row[0] <= done[0]]
    lab.data["start"] = start
    lab.wait(30.0)
    lab.data["hold_changes"] = changes_of(lab, 240)
    lab.data["hold"] = lab.eta()
    lab.gcode("TURN_OFF_HEATERS")
    lab.wait(5.0)
    lab.data["cooling"] = lab.eta()
    lab.data["cool_took"] = lab.until(lambda: lab.eta()["state"] == "cooled", limit=3000)
    lab.wait(5.0)
    lab.data["cooled_changes"] = changes_of(lab, 120)
    stop()
    lab.data["states"] = states_of(rows)


heat_hold_cool = CONFIG, [_heat_hold_cool]


def _retarget(lab):
    lab.gcode("M104 S180")
    lab.wait(20.0)
    first = lab.eta()
    lab.gcode("M104 S240")
    lab.wait(0.6)
    second = lab.eta()
    lab.data["first"], lab.data["second"] = first, second
    done = lab.background("M109 S240")
    lab.until(lambda: bool(done), 600)
    lab.data["after"] = lab.eta()
    lab.gcode("M104 S150")
    lab.wait(2.0)
    lab.data["down"] = lab.eta()
    lab.data["down_took"] = lab.timed("M109 S150")
    lab.wait(0.5)
    lab.data["down_ready"] = lab.eta()


retarget = CONFIG, [_retarget]


def _two_heaters(lab):
    lab.gcode("M140 S60\nM104 S200\nSET_HEATER_TEMPERATURE HEATER=chamber TARGET=45")
    lab.wait(10.0)
    lab.data["hub"] = lab.status("heater_eta")
    lab.data["parts"] = {h: lab.eta(h) for h in ("extruder", "heater_bed", "chamber")}
    lab.data["table"] = lab.gcode("HEATER_ETA")
    lab.data["one"] = lab.gcode("HEATER_ETA HEATER=heater_bed")
    lab.data["refused"] = lab.refused("HEATER_ETA HEATER=nozzle")
    lab.until(lambda: lab.status("heater_eta")["ready"], 2400)
    lab.data["ready"] = lab.status("heater_eta")
    lab.data["chamber"] = lab.eta("chamber")


two_heaters = CONFIG, [_two_heaters]


def _shutdown(lab):
    lab.gcode("M104 S200")
    lab.wait(15.0)
    lab.data["before"] = lab.eta()
    lab.printer.invoke_shutdown("Test shutdown")
    lab.wait(1.0)
    lab.data["after"] = lab.eta()
    lab.data["hub"] = lab.status("heater_eta")
    lab.data["target"] = lab.heater().target_temp
    lab.wait(60.0)
    lab.data["later"] = lab.eta()
    lab.data["state"] = lab.state()["state"]


shutdown = CONFIG, [_shutdown]


def _stale(lab):
    lab.gcode("M140 S50")
    lab.wait(10.0)
    lab.sensor("bed").stuck = True
    lab.wait(9.0)
    lab.data["stuck"] = lab.eta("heater_bed")
    lab.data["hub"] = lab.status("heater_eta")
    lab.sensor("bed").stuck = False
    lab.wait(3.0)
    lab.data["back"] = lab.eta("heater_bed")


stale = CONFIG, [_stale]


def _weak(lab):
    """A heater that cannot get there."""
    lab.sensor().plant.strength = 0.3
    lab.gcode("M104 S250")
    lab.until(lambda: lab.eta()["state"] in ("unreachable", "stalled"), 900)
    lab.data["weak"] = lab.eta()
    lab.data["hub"] = lab.status("heater_eta")
    lab.data["state"] = lab.state()["state"]


# without the watchdog that would shut the printer down first
weak = CONFIG + "\n[verify_heater extruder]\nmax_error: 1000000\n", [_weak]


def _broken(lab):
    """An error of ours must never reach the reactor."""
    monitor = lab.printer.lookup_object("heater_eta extruder")
    tracker = monitor.tracker

    class Broken:
        def __getattr__(self, name):
            raise ZeroDivisionError("broken on purpose")

    monitor.tracker = Broken()
    lab.gcode("M104 S200\nM140 S50")
    lab.wait(10.0)
    lab.data["broken"] = lab.eta()
    lab.data["other"] = lab.eta("heater_bed")
    lab.data["state"] = lab.state()["state"]
    monitor.tracker = tracker
    lab.wait(10.0)
    lab.data["healed"] = lab.eta()


broken = CONFIG, [_broken]


def _learn_first(lab):
    lab.gcode("M109 S200")
    lab.wait(20.0)
    lab.gcode("TURN_OFF_HEATERS")
    lab.until(lambda: lab.eta()["state"] == "cooled", 3000)
    lab.wait(15.0)
    lab.data["first"] = lab.eta()
    path = lab.folder / "heater_eta.json"
    lab.on_disk(lambda: path.is_file() and not list(lab.folder.glob(".heater_eta*")))
    lab.data["file"] = json.loads(path.read_text(encoding="utf-8"))
    lab.later(0.0, lambda: lab.gcode("RESTART"))


def _learn_second(lab):
    lab.gcode("M104 S200")
    lab.wait(1.0)
    lab.data["second"] = lab.eta()
    lab.gcode("TURN_OFF_HEATERS")
    lab.later(0.0, lambda: lab.gcode("FIRMWARE_RESTART"))


def _learn_third(lab):
    lab.data["third"] = lab.eta()
    lab.gcode("HEATER_ETA_RESET HEATER=extruder")
    lab.wait(1.0)
    lab.data["reset"] = lab.eta()
    lab.data["refused"] = lab.refused("HEATER_ETA_RESET HEATER=x")


def _lesson_at_the_last_moment(lab):
    lab.gcode("M109 S200")
    lab.wait(20.0)
    lab.gcode("M104 S0")
    lab.wait(0.3)
    lab.data["before"] = lab.eta()["learned"]
    lab.later(0.0, lambda: lab.gcode("RESTART"))


def _lesson_kept(lab):
    lab.data["after"] = lab.eta()["learned"]


last_moment = CONFIG, [_lesson_at_the_last_moment, _lesson_kept]
learning = CONFIG, [_learn_first, _learn_second, _learn_third]


def _fan(lab):
    lab.gcode("M109 S200")
    lab.wait(30.0)
    lab.gcode("M106 S255")
    lab.wait(60.0)
    lab.data["state"] = lab.state()["state"]
    lab.data["status"] = lab.eta()


fan = CONFIG, [_fan]


def _noisy(lab):
    """Real sensors are noisy: a heater that holds must not flap for it."""
    lab.gcode("M140 S60\nM109 S200")
    lab.gcode("M190 S60")
    lab.wait(60.0)
    keys = []
    for _ in range(1200):
        before = {n: lab.eta(n) for n in ("extruder", "heater_bed", "chamber")}
        lab.wait(0.25)
        for name, old in before.items():
            new = lab.eta(name)
            keys += [[name, k, old[k], new[k]] for k in new if new[k] != old[k]]
    lab.data["changes"] = keys
    lab.gcode("TURN_OFF_HEATERS")
    cold = ("cooled", "off")
    for name in ("extruder", "heater_bed"):
        lab.until(lambda name=name: lab.eta(name)["state"] in cold, 6000)
    lab.data["rates"] = [lab.eta("extruder")["rate"], lab.eta("heater_bed")["rate"]]


noisy = CONFIG.replace("lag: 4.0", "lag: 4.0\nnoise: 0.08"), [_noisy]


def _too_hot(lab):
    """Watermark never waits for a heater that is too hot, whatever the reason."""
    lab.gcode("SET_HEATER_TEMPERATURE HEATER=chamber TARGET=50")
    lab.until(lambda: lab.eta("chamber")["ready"], 1200)
    lab.gcode("SET_HEATER_TEMPERATURE HEATER=chamber TARGET=35")
    lab.wait(2.0)
    lab.data["busy"] = lab.heater("chamber").check_busy(lab.reactor.monotonic())
    lab.data["status"] = lab.eta("chamber")


too_hot = CONFIG, [_too_hot]


def _gains(lab):
    monitor = lab.printer.lookup_object("heater_eta extruder")
    lab.data["before"] = monitor.tracker.spec.gains
    control = lab.heater().control
    control.Kp *= 1.5
    lab.gcode("M104 S150")
    lab.wait(1.0)
    lab.data["after"] = monitor.tracker.spec.gains
    lab.data["status"] = lab.eta()


gains = CONFIG, [_gains]
