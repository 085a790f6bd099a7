# The machine's state -> push_status, in each model's dialect
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Shapes of the reports. Values a model never sends are not sent here either."""

from __future__ import annotations

from typing import Any

from .machine import SPEEDS, Machine
from .models import AmsUnit

_COLORS = ("FFFFFFFF", "000000FF", "DE4343FF", "0078BFFF")
_MATERIALS = ("PLA", "PLA", "PETG", "ABS")
_SIGNATURE_REQUIRED = 0x20000000


def _round(value: float, resolution: float) -> float:
    return round(value / resolution) * resolution


def _packed(actual: float, target: float) -> int:
    return int(target) << 16 | round(actual)


def tray_bit(unit: int, slot: int) -> int:
    if unit >= 128:
        return 16 + unit - 128
    return 24 + slot if unit == 16 else unit * 4 + slot


def _tray(index: int, unit: AmsUnit, modern: bool) -> dict[str, Any]:
    tray: dict[str, Any] = {
        "id": str(index),
        "remain": 80 - 10 * index if unit.type in (1, 3, 4) and modern else -1,
        "cali_idx": -1,
        "tag_uid": "0000000000000000",
        "tray_info_idx": "GFL99",
        "tray_type": _MATERIALS[index],
        "tray_sub_brands": "",
        "tray_color": _COLORS[index],
        "tray_weight": "1000",
        "tray_diameter": "1.75",
        "nozzle_temp_max": "240",
        "nozzle_temp_min": "190",
        "bed_temp": "0",
        "bed_temp_type": "0",
        "tray_uuid": "00000000000000000000000000000000",
        "cols": [_COLORS[index]],
        "ctype": 0,
    }
    if modern:
        tray["state"] = 11
    return tray


def _ams(machine: Machine, empty: set[tuple[int, int]]) -> dict[str, Any]:
    modern = machine.model.device
    units, exist, trays = [], 0, 0
    for unit in machine.model.ams:
        high = unit.id >= 128
        exist |= 1 << (4 + unit.id - 128 if high else 12 if unit.id == 16 else unit.id)
        slots: list[dict[str, Any]] = []
        for index in range(unit.slots):
            if (unit.id, index) in empty:
                slots.append({"id": str(index), **({"state": 10} if modern else {})})
                continue
            trays |= 1 << tray_bit(unit.id, index)
            slots.append(_tray(index, unit, modern))
        entry: dict[str, Any] = {
            "id": str(unit.id),
            "humidity": "4",
            "temp": f"{unit.temperature:.1f}",
            "tray": slots,
        }
        if modern:
            minutes, degrees = machine.drying.get(unit.id, (0.0, 0))
            entry["info"] = f"{0x1000 | unit.extruder << 8 | unit.type:X}"
            entry["humidity_raw"] = str(unit.humidity)
            entry["dry_time"] = int(minutes + 0.999)
            if degrees:
                entry["dry_setting"] = {
                    "dry_filament": "PLA",
                    "dry_temperature": degrees,
                    "dry_duration": 8,
                }
        units.append(entry)
    return {
        "ams": units,
        "ams_exist_bits": f"{exist:x}",
        "tray_exist_bits": f"{trays:x}",
        "tray_is_bbl_bits": f"{trays:x}",
        "tray_read_done_bits": f"{trays:x}",
        "tray_reading_bits": "0",
        "tray_now": str(machine.tray_now),
        "tray_pre": str(machine.tray_now),
        "tray_tar": str(machine.tray_now),
        "insert_flag": True,
        "power_on_flag": False,
        "version": 4,
    }


def _device(machine: Machine) -> dict[str, Any]:
    extruders = []
    for index, nozzle in enumerate(machine.nozzles):
        now = machine.tray_now
        snow = 0xFFFF if index or now == 255 else 0xFF00 if now == 254 else now // 4 << 8 | now % 4
        extruders.append(
            {
                "id": index,
                "temp": _packed(nozzle.temperature, nozzle.target),
                "snow": snow,
                "hnow": index,
                "info": 8,
                "stat": 0,
                "filam_bak": [],
            }
        )
    bed = _packed(machine.bed.temperature, machine.bed.target)
    chamber = _packed(machine.chamber.temperature, machine.chamber.target)
    device: dict[str, Any] = {
        "bed": {"info": {"temp": bed}, "state": 0},
        "bed_temp": bed,
        "extruder": {"info": extruders, "state": len(extruders)},
        "nozzle": {
            "exist": (1 << len(extruders)) - 1,
            "info": [
                {"id": i, "type": "HS01", "diameter": 0.4, "wear": 0, "tm": 0}
                for i in range(len(extruders))
            ],
            "state": 0,
        },
        "fan": 0,
        "type": 1,
    }
    if machine.model.chamber != "none":
        device["ctc"] = {"info": {"temp": chamber}, "state": 1 if machine.chamber.target else 0}
    if machine.model.airduct:
        parts = {16: "part", 32: "aux", 48: "chamber"}
        device["airduct"] = {
            "modeCur": 0,
            "parts": [
                {"func": i, "id": number, "range": 6553600, "state": machine.fans[name] * 100 // 15}
                for i, (number, name) in enumerate(parts.items())
            ],
        }
    return device


def full(machine: Machine, developer_mode: bool, empty: set[tuple[int, int]]) -> dict[str, Any]:
    """Everything the model reports, without command, msg and sequence_id."""
    model, job = machine.model, machine.job
    step = model.resolution
    nozzle = machine.nozzles[0]
    report: dict[str, Any] = {
        "nozzle_temper": _round(nozzle.temperature, step),
        "nozzle_target_temper": nozzle.target,
        "bed_temper": _round(machine.bed.temperature, step),
        "bed_target_temper": machine.bed.target,
        "cooling_fan_speed": str(machine.fans["part"]),
        "big_fan1_speed": str(machine.fans["aux"]),
        "big_fan2_speed": str(machine.fans["chamber"]),
        "heatbreak_fan_speed": str(machine.fans["heatbreak"]),
        "fan_gear": 0,
        "gcode_state": machine.state,
        "mc_print_stage": "3" if machine.state == "PAUSE" else "2" if machine.busy else "1",
        "mc_print_sub_stage": 0,
        "mc_print_error_code": str(machine.print_error & 0xFFFF),
        "mc_percent": machine.percent,
        "mc_remaining_time": machine.minutes_left,
        "layer_num": machine.layer,
        "total_layer_num": job.layers if job else 0,
        "subtask_name": job.name if job else "",
        "gcode_file": job.file if job else "",
        "gcode_file_prepare_percent": "100" if machine.busy else "0",
        "project_id": "0",
        "profile_id": "0",
        "task_id": job.task_id if job else "0",
        "subtask_id": job.subtask_id if job else "0",
        "print_type": job.origin if job and machine.busy else "" if model.device else "idle",
        "stg": [],
        "stg_cur": machine.stage,
        "print_error": machine.print_error,
        "hms": [{"attr": attr, "code": code} for attr, code in machine.hms],
        "spd_lvl": machine.speed_level,
        "spd_mag": SPEEDS[machine.speed_level],
        "lights_report": [{"node": n, "mode": mode} for n, mode in machine.lights.items()],
        "sdcard": True,
        "wifi_signal": "-52dBm",
        "home_flag": 0x100 | (7 if machine.busy else 0),
        "hw_switch_state": 1 if machine.tray_now != 255 else 0,
        "s_obj": list(machine.skipped),
        "nozzle_diameter": "0.4",
        "nozzle_type": "hardened_steel",
        "force_upgrade": False,
        "upload": {"status": "idle", "progress": 0, "message": ""},
        "upgrade_state": {"status": "IDLE", "new_version_state": 2, "new_ver_list": []},
        "ipcam": {"ipcam_record": "enable", "timelapse": "disable", "mode_bits": 3},
        "online": {"ahb": False, "rfid": False, "version": 10},
        "queue_number": 0,
        "ams_status": 768 if machine.state == "RUNNING" else 0,
        "ams_rfid_status": 0,
    }
    if model.ams:
        report["ams"] = _ams(machine, empty)
    external = {"id": "255" if model.device else "254", "tray_type": "", "tray_color": "00000000"}
    report["vt_tray"] = {**external, "remain": 0, "tag_uid": "0000000000000000"}
    if not model.device:
        sensed = model.chamber != "none"
        report["chamber_temper"] = round(machine.chamber.temperature) if sensed else 5
        if model.whole_reports:
            report["xcam"] = {"print_halt": True, "spaghetti_detector": True}
        return report
    if model.chamber == "none":
        report["chamber_temper"] = 5
    report["device"] = _device(machine)
    report["vir_slot"] = [
        {**external, "id": str(255 - index), "remain": 0} for index in range(model.nozzles)
    ]
    report["stat"] = "46258008"
    if model.fun_base:
        fun = model.fun_base if developer_mode else model.fun_base | _SIGNATURE_REQUIRED
        report["fun"] = f"{fun:X}"
    return report


def delta(before: dict[str, Any], now: dict[str, Any], legacy: bool) -> dict[str, Any]:
    """What changed, as the models tell it: AMS arrays of old models never come in deltas."""
    changed = {key: value for key, value in now.items() if before.get(key) != value}
    if "ams" in changed and legacy:
        old = before.get("ams") or {}
        scalars = {
            key: value
            for key, value in changed["ams"].items()
            if key != "ams" and old.get(key) != value
        }
        if scalars:
            changed["ams"] = scalars
        else:
            del changed["ams"]
    return changed


def modules(machine: Machine, serial: str) -> dict[str, Any]:
    model = machine.model
    found = [
        {
            "name": "ota",
            "product_name": f"Bambu Lab {model.name}",
            "sw_ver": model.firmware,
            "hw_ver": "OTA",
            "sn": serial,
            "flag": 3,
        },
        {"name": "mc", "sw_ver": "00.01.30.10", "hw_ver": "MC02", "sn": "N/A", "flag": 0},
    ]
    for unit in model.ams:
        name = f"{unit.module}/{unit.id}"
        found.append({"name": name, "sw_ver": "00.00.08.15", "hw_ver": "AMS08", "sn": "N/A"})
    return {"command": "get_version", "module": found, "result": "success", "reason": ""}
