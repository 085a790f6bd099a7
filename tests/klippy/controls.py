# Scenarios: controllers, calibration, temperature_fan
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Run inside the host; see `lab`."""

import math

from .basics import CONFIG, check_status, record, states_of

PID = "control: pid\npid_Kp: 22.2\npid_Ki: 1.08\npid_Kd: 114\n"
BED_PID = "control: pid\npid_Kp: 63.0\npid_Ki: 0.3\npid_Kd: 760\n"
assert PID in CONFIG and BED_PID in CONFIG


def _calibrate(lab):
    lab.gcode("M109 S200")
    lab.gcode("M104 S0")
    lab.wait(60.0)
    running = lab.background("PID_CALIBRATE HEATER=extruder TARGET=170")
    lab.until(lambda: lab.eta()["state"] == "calibrating", 5.0)
    lab.data["learned_before"] = lab.eta()["learned"]
    states = set()
    while not running:
        lab.wait(0.5)
        check_status(lab.eta())
        states.add(lab.eta()["state"])
    lab.data["states"] = sorted(states)
    lab.data["end"] = running[0]
    lab.wait(3.0)
    lab.data["after"] = lab.eta()
    lab.data["hub"] = lab.status("heater_eta")


calibrate = CONFIG, [_calibrate]


def _heat(heater, command, rounds):
    def run(lab):
        errors = []
        name = type(lab.heater(heater).control).__name__
        for _ in range(rounds):
            rows = []
            stop = record(lab, heater, rows)
            start = lab.now()
            lab.gcode(command)
            end = lab.now()
            misses = [abs(end - t - eta) for t, _, eta, _ in rows if eta and t <= end]
            errors.append(
                {
                    "took": end - start,
                    "error": sum(misses) / max(1, len(misses)),
                    "states": states_of(rows),
                    "said": len(misses),
                }
            )
            lab.wait(30.0)
            stop()
            lab.gcode("TURN_OFF_HEATERS")
            lab.wait(400.0)
        lab.data.update(
            control=name,
            rounds=errors,
            spec=lab.printer.lookup_object(f"heater_eta {heater}").tracker.spec.control,
        )

    return run


pid = CONFIG, [_heat("extruder", "M109 S210", 3)]
bed = CONFIG, [_heat("heater_bed", "M190 S70", 3)]
overshoot = CONFIG.replace("pid_Ki: 0.3", "pid_Ki: 1.3"), [_heat("heater_bed", "M190 S70", 4)]
watermark = (
    CONFIG.replace(PID, "control: watermark\n"),
    [_heat("extruder", "M109 S210", 3)],
)
pid_v = CONFIG.replace(PID, PID.replace("pid\n", "pid_v\n", 1)), [_heat("extruder", "M109 S210", 3)]
MPC = (
    "control: mpc\nheater_power: 50\nblock_heat_capacity: 11.9\nambient_transfer: 0.115\n"
    "sensor_responsiveness: 0.25\n"
)
mpc = CONFIG.replace(PID, MPC), [_heat("extruder", "M109 S210", 3)]
# what MPC_CALIBRATE finds for this hotend: one mass where it has two
FOUND = (
    "control: mpc\nheater_power: 50\nblock_heat_capacity: 14.39\nambient_transfer: 0.0717\n"
    "sensor_responsiveness: 0.109\n"
)
mpc_found = CONFIG.replace(PID, FOUND), [_heat("extruder", "M109 S210", 3)]
DUAL = (
    "control: dual_loop_pid\npid_Kp: 63.0\npid_Ki: 1.3\npid_Kd: 760\n"
    "inner_sensor_name: bed_inner\ninner_target_temp: 100\n"
    "inner_pid_Kp: 63.0\ninner_pid_Ki: 1.3\ninner_pid_Kd: 760\n"
)
INNER = "[temperature_sensor bed_inner]\nsensor_type: sim_bed\nmin_temp: 0\nmax_temp: 130\n\n"
dual_loop_pid = (
    CONFIG.replace(BED_PID, DUAL).replace("[heater_bed]", INNER + "[heater_bed]"),
    [_heat("heater_bed", "M190 S70", 2)],
)


def _mpc_calibrate(lab):
    running = lab.background("MPC_CALIBRATE HEATER=extruder TARGET=180")
    states = set()
    while not running:
        lab.wait(0.5)
        check_status(lab.eta())
        states.add(lab.eta()["state"])
    lab.data["states"] = sorted(states)
    lab.data["end"] = running[0]
    lab.wait(10.0)
    lab.data["after"] = lab.eta()


mpc_calibrate = CONFIG.replace(PID, MPC), [_mpc_calibrate]


def _fan(lab):
    lab.data["hub"] = lab.status("heater_eta")
    lab.preset(electronics=70.0)
    lab.wait(10.0)
    status = lab.eta("electronics")
    lab.data["cooling"] = status
    start = lab.now()
    lab.until(lambda: lab.eta("electronics")["state"] != "cooling", 3000)
    lab.data["took"] = lab.now() - start
    lab.data["cooled"] = lab.eta("electronics")
    lab.gcode("SET_TEMPERATURE_FAN_TARGET TEMPERATURE_FAN=electronics TARGET=60")
    lab.preset(electronics=75.0)
    lab.wait(10.0)
    lab.data["warm"] = lab.eta("electronics")["state"]
    lab.until(lambda: lab.eta("electronics")["state"] != "cooling", 3000)
    lab.data["stopped"] = lab.heater_or_fan("electronics").last_temp
    lab.data["state"] = lab.state()["state"]
    lab.data["wait"] = lab.refused("HEATER_ETA_WAIT HEATER=electronics")
    lab.data["plan"] = lab.refused("HEATER_ETA_PREHEAT ELECTRONICS=40")
    assert all(math.isfinite(v) for v in lab.data["cooled"].values() if isinstance(v, float))


FAN = """
[sim_plant electronics]
gain: 1
loss: 0.005
cooled_by: electronics_fan

"""
FAN_SECTION = """
[temperature_fan electronics]
pin: sim:electronics_fan
sensor_type: sim_electronics
control: watermark
min_temp: 0
max_temp: 90
target_temp: 40

[heater_eta electronics]
"""
temperature_fan = FAN + CONFIG + FAN_SECTION, [_fan]


def _one_name(lab):
    lab.gcode("SET_HEATER_TEMPERATURE HEATER=chamber TARGET=50")
    lab.wait(5.0)
    lab.data["chamber"] = lab.eta("chamber")
    lab.data["hub"] = lab.status("heater_eta")


ONE_NAME = (FAN + CONFIG + FAN_SECTION).replace(
    "[temperature_fan electronics]", "[temperature_fan chamber]"
)
one_name = ONE_NAME.replace("[heater_eta electronics]", "[heater_eta chamber]"), [_one_name]


def _two_extruders(lab):
    lab.gcode("M104 S200")
    lab.wait(5.0)
    lab.gcode("M104 T1 S180")
    lab.wait(10.0)
    lab.data["first"], lab.data["second"] = lab.eta(), lab.eta("extruder1")
    lab.data["hub"] = lab.status("heater_eta")


SECOND = """
[extruder1]
nozzle_diameter: 0.400
filament_diameter: 1.750
heater_pin: sim:second
sensor_type: sim_second
control: pid
pid_Kp: 22.2
pid_Ki: 1.08
pid_Kd: 114
min_temp: 0
max_temp: 280
"""
SECOND_PLANT = "[sim_plant second]\ngain: 3.5\nloss: 0.006\n\n"
two_extruders = SECOND_PLANT + CONFIG + SECOND, [_two_extruders]
