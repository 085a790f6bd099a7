# Scenarios: HEATER_ETA_WAIT, HEATER_ETA_PREHEAT, display, companions, configuration
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Run inside the host; see `lab`."""

from .basics import CONFIG


def _wait(lab):
    start = lab.now()
    lines = lab.gcode("M104 S200\nHEATER_ETA_WAIT HEATER=extruder")
    lab.data["took"] = lab.now() - start
    lab.data["busy"] = lab.heater().check_busy(lab.reactor.monotonic())
    lab.data["lines"] = [line for line in lines if "ready in" in line]
    lab.data["again"] = lab.timed("HEATER_ETA_WAIT HEATER=extruder")
    lab.data["stable"] = lab.timed("HEATER_ETA_WAIT HEATER=extruder SLOPE=6 DURATION=20")
    lab.data["held"] = lab.refused("HEATER_ETA_WAIT HEATER=extruder BELOW=100")
    lab.gcode("M104 S0")
    lines = lab.gcode("HEATER_ETA_WAIT HEATER=extruder BELOW=120")
    lab.data["below"] = lab.heater().last_temp
    lab.data["below_lines"] = lines
    start = lab.now()
    lab.data["far_lines"] = lab.gcode("HEATER_ETA_WAIT HEATER=extruder BELOW=60")
    lab.data["far_took"] = lab.now() - start
    lab.data["tepid_lines"] = lab.gcode("HEATER_ETA_WAIT HEATER=extruder BELOW=40")
    lab.data["none"] = lab.refused("HEATER_ETA_WAIT HEATER=extruder")
    lab.data["nothing"] = lab.timed("HEATER_ETA_WAIT")
    lab.data["both"] = lab.refused("HEATER_ETA_WAIT HEATER=extruder BELOW=50 SLOPE=1")
    lab.data["alone"] = lab.refused("HEATER_ETA_WAIT HEATER=extruder DURATION=50")
    lab.data["whose"] = lab.refused("HEATER_ETA_WAIT BELOW=50")
    lab.data["range"] = lab.refused("HEATER_ETA_WAIT HEATER=extruder BELOW=-3")
    lab.data["who"] = lab.refused("HEATER_ETA_WAIT HEATER=fan9")
    start = lab.now()
    lab.gcode("M104 S200")
    lab.data["timeout"] = lab.refused("HEATER_ETA_WAIT HEATER=extruder TIMEOUT=5")
    lab.data["timeout_took"] = lab.now() - start


wait = CONFIG, [_wait]


def _cancel(lab):
    hub = lab.printer.lookup_object("heater_eta")
    lab.gcode("M140 S60")
    waiting = lab.background("HEATER_ETA_WAIT HEATER=heater_bed")
    lab.wait(5.0)
    lab.data["blocked"] = not waiting
    lab.endpoint("heater_eta/cancel")
    lab.until(lambda: bool(waiting), 3.0)
    lab.data["cancelled"] = waiting[0]
    waiting = lab.background("HEATER_ETA_WAIT HEATER=heater_bed")
    lab.wait(3.0)
    lab.heater("heater_bed").set_temp(0.0)
    lab.until(lambda: bool(waiting), 3.0)
    lab.data["off"] = waiting[0]
    lab.heater("heater_bed").set_temp(60.0)
    waiting = lab.background("HEATER_ETA_WAIT HEATER=heater_bed")
    lab.wait(3.0)
    lab.data["cancels"] = hub.cancelled
    lab.printer.invoke_shutdown("Test shutdown")
    lab.until(lambda: bool(waiting), 3.0)


cancel = CONFIG, [_cancel]


def _cancel_job(lab):
    job = lab.folder / "gcodes" / "soak.gcode"
    job.write_text("M140 S60\nHEATER_ETA_WAIT HEATER=heater_bed\nG4 P60000\n", encoding="utf-8")
    lab.gcode("SDCARD_PRINT_FILE FILENAME=soak.gcode")
    lab.wait(10.0)
    lab.data["before"] = lab.status("print_stats")["state"]
    start = lab.now()
    lab.endpoint("pause_resume/cancel")
    lab.data["took"] = lab.now() - start
    lab.wait(1.0)
    lab.data["after"] = lab.status("print_stats")["state"]
    lab.data["active"] = lab.status("virtual_sdcard")["is_active"]


cancel_job = CONFIG, [_cancel_job]


def hot_seconds(lab, until):
    """Seconds the nozzle spends above 170 C until all is ready."""
    hot = [0.0]

    def tick():
        hot[0] += lab.heater().last_temp > 170.0
        return until()

    lab.every(1.0, tick)
    return hot


def _both_ready(lab):
    now = lab.reactor.monotonic()
    return all(
        lab.heater(name).target_temp > 0.0 and not lab.heater(name).check_busy(now)
        for name in ("extruder", "heater_bed")
    )


def _cool(lab):
    lab.gcode("TURN_OFF_HEATERS")
    lab.preset(hotend=23.0, bed=23.0)
    lab.wait(60.0)


def _preheat(lab):
    # teach it both heaters first
    lab.gcode("M109 S215\nM190 S90")
    lab.wait(30.0)
    for name, script in (
        ("sequential", "M190 S90\nM109 S215"),
        ("parallel", "M140 S90\nM104 S215\nM190 S90\nM109 S215"),
        ("preheat", "HEATER_ETA_PREHEAT HEATER_BED=90 EXTRUDER=215\nM190 S90\nHEATER_ETA_WAIT"),
        ("sequence", "HEATER_ETA_PREHEAT HEATER_BED=90 EXTRUDER=215 SEQUENCE=1\nHEATER_ETA_WAIT"),
    ):
        _cool(lab)
        done = []
        both_full = [0]

        def watch(done=done, both_full=both_full):
            full = [lab.heater(n).last_pwm_value >= 0.98 for n in ("extruder", "heater_bed")]
            both_full[0] += all(full)
            return bool(done)

        lab.every(0.25, watch)
        hot = hot_seconds(lab, lambda done=done: bool(done))
        start = lab.now()
        running = lab.background(script)
        lab.until(lambda: _both_ready(lab), 3000)
        took = lab.now() - start
        done.append(True)
        lab.until(lambda running=running: bool(running), 600)
        lab.data[name] = {"took": took, "hot": hot[0], "end": running[0], "full": both_full[0]}


preheat = CONFIG, [_preheat]


def _plan_ends(lab):
    def plan():
        lab.gcode("HEATER_ETA_PREHEAT HEATER_BED=90 EXTRUDER=215")
        lab.wait(5.0)
        assert lab.heater("heater_bed").target_temp == 90.0
        assert lab.heater().target_temp == 0.0, "the nozzle waits for its turn"

    def outcome(name):
        lab.wait(300.0)
        lab.data[name] = lab.heater().target_temp
        lab.gcode("TURN_OFF_HEATERS")
        lab.preset(hotend=23.0, bed=23.0)
        lab.wait(30.0)

    plan()
    lab.data["table"] = lab.gcode("HEATER_ETA")
    lab.gcode("M140 S50")
    outcome("target")
    plan()
    lab.gcode("TURN_OFF_HEATERS")
    outcome("off")
    plan()
    lab.gcode("M104 S100")
    outcome("own")
    (lab.folder / "gcodes" / "short.gcode").write_text("G4 P1000\n" * 60, encoding="utf-8")
    lab.gcode("SDCARD_PRINT_FILE FILENAME=short.gcode")
    lab.wait(1.0)
    plan()
    lab.gcode("CANCEL_PRINT")
    outcome("job")
    lab.data["job_state"] = lab.status("print_stats")["state"]
    plan()
    # without the mutex: other commands go on meanwhile
    lab.data["free"] = lab.timed("M105")
    lab.data["bad_name"] = lab.refused("HEATER_ETA_PREHEAT NOZZLE=200")
    lab.data["bad_value"] = lab.refused("HEATER_ETA_PREHEAT HEATER_BED=60 EXTRUDER=900")
    lab.data["bad_text"] = lab.refused("HEATER_ETA_PREHEAT EXTRUDER=hot")
    lab.data["nan"] = lab.refused("HEATER_ETA_PREHEAT EXTRUDER=nan")
    lab.data["empty"] = lab.refused("HEATER_ETA_PREHEAT")
    lab.data["untouched"] = lab.heater("heater_bed").target_temp
    lab.printer.invoke_shutdown("Test shutdown")
    lab.wait(300.0)
    lab.data["shutdown"] = lab.heater().target_temp


plan_ends = CONFIG, [_plan_ends]


def _display(lab):
    display = lab.printer.lookup_object("display_status")
    lab.gcode("M140 S60")
    lab.wait(10.0)
    lab.data["shown"] = display.message
    lab.wait(5.0)
    lab.data["later"] = display.message
    lab.gcode("M117 Mine")
    lab.wait(10.0)
    lab.data["other"] = display.message
    lab.gcode("M117")
    lab.wait(3.0)
    lab.data["again"] = display.message
    lab.until(lambda: lab.eta("heater_bed")["ready"], 600)
    lab.wait(3.0)
    lab.data["end"] = display.message
    lab.data["companion"] = lab.status("temperature_combined heater_bed")
    lab.gcode("M140 S80")
    lab.wait(5.0)
    lab.data["companion_heating"] = lab.status("temperature_combined heater_bed")
    lab.data["eta"] = lab.eta("heater_bed")["eta"]
    lab.data["objects"] = sorted(n for n, _ in lab.printer.lookup_objects("heater_eta"))


OPTIONS = """
display: True
mainsail_rows: True
exclude: chamber
path: @GCODES@/../learned/eta.json

[heater_eta heater_bed]
kind: bed
cool_threshold: 35
learn: False
"""
display = CONFIG + OPTIONS, [_display]


def _refusal(lab):
    lab.data.update(lab.state())


def refusal(extra):
    return CONFIG + extra, [_refusal]


unknown_heater = refusal("\n[heater_eta Extruder]\n")
unknown_option = refusal("\n[heater_eta extruder]\nbogus: 1\n")
unknown_exclude = refusal("exclude: extruder, nozzle\n")
bad_kind = refusal("\n[heater_eta extruder]\nkind: oven\n")
bad_number = refusal("\n[heater_eta extruder]\ncool_threshold: -4\n")
only_prefix = CONFIG.replace("[heater_eta]\n", "[heater_eta extruder]\nlearn: True\n"), [_refusal]


def _damaged(lab):
    path = lab.folder / "heater_eta.json"
    if "first" not in lab.data:
        path.write_text('{"version": 1, "heaters": {"extruder": ', encoding="utf-8")
        lab.data["first"] = True
        lab.later(0.0, lambda: lab.gcode("RESTART"))
        return
    lab.data["aside"] = (lab.folder / "heater_eta.json.damaged").is_file()
    lab.data.update(lab.state())
    lab.gcode("M104 S100")
    lab.wait(2.0)
    lab.data["heating"] = lab.eta()["heating"]


damaged = CONFIG, [_damaged, _damaged]
