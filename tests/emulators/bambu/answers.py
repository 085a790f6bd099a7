# Requests -> what the printer does and answers
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Refuses what a real printer refuses, with its words."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, Optional

from . import reports
from .machine import Job

if TYPE_CHECKING:
    from .printer import EmulatedBambu

_VERIFY_FAILED = {"reason": "mqtt message verify failed", "err_code": 0x05024007}
_BUSY = 0x05004004
_WORD = re.compile(r"([A-Z])(-?[0-9.]+)")


class Answers:
    def __init__(self, printer: EmulatedBambu) -> None:
        self._printer = printer

    async def take(self, group: str, body: dict[str, Any]) -> None:
        command = body.get("command")
        printer = self._printer
        if group == "pushing":
            if command == "pushall":
                printer.push_full()
            elif command in ("start", "stop"):
                printer.faults.stopped = command == "stop"
        elif group == "info" and command == "get_version":
            self._reply(group, body, reports.modules(printer.machine, printer.serial))
        elif group == "system" and command == "ledctrl":
            self._reply(group, body, self._light(body))
        elif group == "print" and isinstance(command, str):
            await self._print(command, body)

    def _reply(self, group: str, request: dict[str, Any], answer: dict[str, Any]) -> None:
        if self._printer.faults.no_acks and group != "info":
            return
        full = {
            "command": request.get("command"),
            "sequence_id": request.get("sequence_id"),
            "param": request.get("param", ""),
            **answer,
        }
        delay = self._printer.faults.ack_delay
        if delay:
            asyncio.get_running_loop().call_later(delay, self._printer.reply, group, full)
        else:
            self._printer.reply(group, full)

    def _light(self, body: dict[str, Any]) -> dict[str, Any]:
        node, mode = body.get("led_node"), body.get("led_mode")
        if node not in self._printer.machine.lights or mode not in ("on", "off", "flashing"):
            return {"result": "fail", "reason": f"did not find the valid led: {node}"}
        self._printer.machine.lights[node] = mode
        return {"result": "success", "reason": ""}

    async def _print(self, command: str, body: dict[str, Any]) -> None:
        printer = self._printer
        needs_param = printer.faults.drop_without_param or printer.model.needs_param
        if command in ("pause", "resume", "stop") and needs_param and "param" not in body:
            return
        if not printer.faults.developer_mode:
            if printer.model.device:
                self._reply("print", body, {"result": "failed", **_VERIFY_FAILED})
            else:
                printer.machine.hms = [(0x05000500, 0x00010007)]  # these tell it only so
            return
        action = getattr(self, f"_do_{command}", None)
        if action is None:
            return  # unknown commands are dropped without a word
        if printer.faults.cancel_echo != "model":
            printer.machine.echo = printer.faults.cancel_echo
        problem: Optional[tuple[str, int]] = action(body)
        if problem is None:
            self._reply("print", body, {"result": "SUCCESS", "reason": "SUCCESS"})
        else:
            reason, code = problem
            self._reply("print", body, {"result": "fail", "reason": reason, "err_code": code})

    # Each returns None, or (reason, code) of a refusal.

    def _do_pause(self, body: dict[str, Any]) -> Optional[tuple[str, int]]:
        return None if self._printer.machine.pause() else ("not printing", 0)

    def _do_resume(self, body: dict[str, Any]) -> Optional[tuple[str, int]]:
        return None if self._printer.machine.resume() else ("not paused", 0)

    def _do_stop(self, body: dict[str, Any]) -> Optional[tuple[str, int]]:
        return None if self._printer.machine.stop() else ("no job", 0)

    def _do_print_speed(self, body: dict[str, Any]) -> Optional[tuple[str, int]]:
        level = body.get("param")
        if level not in ("1", "2", "3", "4"):
            return "invalid speed level", 0
        if not self._printer.machine.busy:
            return "not printing", 0
        self._printer.machine.speed_level = int(level)
        return None

    def _do_project_file(self, body: dict[str, Any]) -> Optional[tuple[str, int]]:
        if type(body.get("use_ams")) is not bool:
            return "invalid use_ams", 0
        job = Job(
            str(body.get("subtask_name", "")),
            f"/data/{body.get('param')}" if self._printer.model.device else str(body.get("file")),
            self._printer.job_seconds,
            120,
            str(body.get("task_id", "0")),
            str(body.get("subtask_id", "0")),
        )
        return None if self._printer.machine.start(job) else ("printer is busy", _BUSY)

    def _do_gcode_file(self, body: dict[str, Any]) -> Optional[tuple[str, int]]:
        path = str(body.get("param"))
        job = Job(path.rsplit("/", 1)[-1], path, self._printer.job_seconds, 120)
        return None if self._printer.machine.start(job) else ("printer is busy", _BUSY)

    def _do_gcode_line(self, body: dict[str, Any]) -> Optional[tuple[str, int]]:
        machine = self._printer.machine
        for line in str(body.get("param", "")).splitlines():
            words = {letter: float(value) for letter, value in _WORD.findall(line)}
            code, value = words.get("M"), words.get("S", 0.0)
            if code in (104, 109):
                machine.nozzles[int(words.get("T", 0)) % len(machine.nozzles)].target = value
            elif code in (140, 190):
                machine.bed.target = value
            elif code == 141 and machine.model.chamber == "heater":
                machine.chamber.target = value
            elif code == 106:
                name = {1: "part", 2: "aux", 3: "chamber"}.get(int(words.get("P", 1)))
                if name is not None:
                    machine.fans[name] = round(value * 15 / 255)
        return None

    def _do_set_ctt(self, body: dict[str, Any]) -> Optional[tuple[str, int]]:
        machine = self._printer.machine
        if machine.model.chamber != "heater":
            return "not supported", 0
        machine.chamber.target = float(body.get("ctt_val", 0))
        return None

    def _do_skip_objects(self, body: dict[str, Any]) -> Optional[tuple[str, int]]:
        machine = self._printer.machine
        if not machine.busy:
            return "not printing", 0
        machine.skipped += [int(item) for item in body.get("obj_list", [])]
        return None

    def _do_ams_change_filament(self, body: dict[str, Any]) -> Optional[tuple[str, int]]:
        if self._printer.machine.state == "RUNNING":
            return "printer is busy", _BUSY
        self._printer.machine.tray_now = int(body.get("target", 255))
        return None

    def _do_ams_filament_setting(self, body: dict[str, Any]) -> Optional[tuple[str, int]]:
        place = (body["ams_id"], body["slot_id"])
        self._printer.set_slots[place] = (body["tray_type"], body["tray_color"])
        return None

    def _do_ams_filament_drying(self, body: dict[str, Any]) -> Optional[tuple[str, int]]:
        machine = self._printer.machine
        unit = body.get("ams_id")
        if any(u.id == unit and u.type in (3, 4) for u in machine.model.ams):
            machine.drying[int(str(unit))] = (body["duration"] * 60.0, int(body["temp"]))
            return None
        return "not supported", 0

    def _do_auto_stop_ams_dry(self, body: dict[str, Any]) -> Optional[tuple[str, int]]:
        self._printer.machine.drying.pop(int(body.get("ams_id", -1)), None)
        return None

    def _do_clean_print_error(self, body: dict[str, Any]) -> Optional[tuple[str, int]]:
        self._printer.machine.print_error = 0
        return None
