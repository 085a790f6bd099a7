# A simulated MK3S on a pseudo-terminal, for the real PrusaLink server to talk to
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Speaks the part of the firmware's serial protocol that the server uses; runs in a thread.

``attention``, ``halt``, ``unplug`` and ``plug`` are what happens to a printer; ``pace`` is the time
each line of a print takes.
"""

from __future__ import annotations

import os
import pathlib
import pty
import re
import select
import threading
import time
import tty
from typing import Callable, Optional

REPORT = 2.0  # s between the automatic reports
LATENCY = 0.02  # s; the server ignores an answer that comes before it has noted its question
SERIAL = "CZPX4521X004XC34321"
FIRMWARE = "3.14.1-8237"
_NUMBERED = re.compile(r"^N-?\d+\s*(.*?)\s*(?:\*\d+)?$")
_EEPROM = re.compile(r"^D3 Ax([0-9A-Fa-f]+)(?: C(\d+))?(?: X([0-9A-Fa-f]+))?")


class SimulatedMk3:
    def __init__(self, link: pathlib.Path, pace: float = 0.0) -> None:
        self.link = link
        self.pace = pace
        self.nozzle, self.bed = 24.0, 24.0
        self.nozzle_target, self.bed_target = 0.0, 0.0
        self.z = 0.15
        self.progress, self.remaining = 0, 0
        self.waiting = False  # "paused for user"
        self.halted = False
        self._eeprom = bytearray(0x1000)
        self._eeprom[0x0D05:0x0D09] = (41).to_bytes(4, "big")  # the job id
        self._auto = True  # the firmware goes on reporting when only the server was restarted
        self._reported = 0.0
        self._moved = time.monotonic()
        self._master: Optional[int] = None
        self._slave: Optional[int] = None
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="simulated-mk3", daemon=True)
        self.plug()
        self._thread.start()

    # -- what happens to it ---------------------------------------------------------------------

    def attention(self, on: bool = True) -> None:
        self.waiting = on

    def halt(self) -> None:
        """MAXTEMP: the firmware switches everything off and stays dead."""
        self.halted = True
        self._say("Error:0: Heaters switched off. MAXTEMP triggered!")
        self._say("Error:Printer halted. kill() called!")

    def unplug(self) -> None:
        """The serial line is gone."""
        with self._lock:
            for handle in (self._master, self._slave):
                if handle is not None:
                    os.close(handle)
            self._master = self._slave = None
            if self.link.is_symlink():
                self.link.unlink()

    def plug(self) -> None:
        with self._lock:
            self._master, self._slave = pty.openpty()
            tty.setraw(self._slave)
            os.set_blocking(self._master, False)  # a line that nobody reads is lost, not waited for
            if self.link.is_symlink():
                self.link.unlink()
            self.link.symlink_to(os.ttyname(self._slave))

    def close(self) -> None:
        self._stop.set()
        self._thread.join(5.0)
        self.unplug()

    # -- the firmware -----------------------------------------------------------------------------

    def _run(self) -> None:
        waiting = b""
        while not self._stop.is_set():
            self._physics()
            self._report()
            master = self._master
            if master is None:
                waiting = b""
                time.sleep(0.05)
                continue
            try:
                if not select.select([master], [], [], 0.05)[0]:
                    continue
                waiting += os.read(master, 4096)
            except (OSError, ValueError):
                time.sleep(0.05)  # unplugged meanwhile
                continue
            *lines, waiting = waiting.split(b"\n")
            for line in lines:
                self._take(line.decode("latin-1").strip())

    def _take(self, line: str) -> None:
        if not line or self.halted:
            return
        time.sleep(LATENCY)
        numbered = _NUMBERED.match(line)
        code = numbered.group(1) if numbered else line
        if numbered and code[:2] in ("G1", "G0"):
            time.sleep(self.pace)
            while self.waiting and not self._stop.is_set():
                time.sleep(0.05)  # a printer that waits for its user does not move
                self._report()
            height = re.search(r"Z([\d.]+)", code)
            if height:
                self.z = float(height.group(1))
        for answer in self._answers(code):
            self._say(answer)
        self._say("ok")
        after = {
            "M601": "// action:paused",
            "M602": "// action:resumed",
            "M603": "// action:cancel",
        }.get(code.split(" ")[0])
        if after:
            self._say(after)

    def _answers(self, code: str) -> list[str]:
        plain = {
            "PRUSA Fir": [FIRMWARE],
            "PRUSA SN": [SERIAL],
            "M862.2 Q": ["302"],
            "M862.1 Q": ["0.40"],
            "M220": ["100%"],
            "M221": ["100%"],
            "M27 P": ["Not SD printing"],
            "M21": ["echo:SD init fail"],
            "M420": ["Num X,Y: 7,7", *["  0.10000" * 7] * 7],
        }
        if code in plain:
            return plain[code]
        if code.startswith("M20"):
            return ["Begin file list", "End file list"]
        special: dict[str, Callable[[str], list[str]]] = {
            "D3": self._memory,
            "M73": self._print_info,
            "M104": self._heat,
            "M109": self._heat,
            "M140": self._heat,
            "M190": self._heat,
            "M155": self._auto_report,
        }
        handler = special.get(code.split(" ")[0])
        return handler(code) if handler else []

    def _memory(self, code: str) -> list[str]:
        found = _EEPROM.match(code)
        if found is None:
            return []
        address = int(found.group(1), 16)
        if found.group(3):
            data = bytes.fromhex(found.group(3))
            self._eeprom[address : address + len(data)] = data
        count = int(found.group(2) or (len(found.group(3) or "") // 2))
        rows = []
        for start in range(address, address + count, 16):
            row = self._eeprom[start : min(start + 16, address + count)]
            rows.append(f"{start:04x}  " + " ".join(f"{byte:02x}" for byte in row))
        return rows

    def _print_info(self, code: str) -> list[str]:
        percent, left = re.search(r"P(\d+)", code), re.search(r"R(\d+)", code)
        if percent:
            self.progress = int(percent.group(1))
        if left:
            self.remaining = int(left.group(1))
        return [
            f"{mode} MODE: Percent done: {self.progress}; "
            f"print time remaining in mins: {self.remaining}; Change in mins: -1"
            for mode in ("NORMAL", "SILENT")
        ]

    def _heat(self, code: str) -> list[str]:
        found = re.search(r"[SR]([\d.]+)", code)
        target = float(found.group(1)) if found else 0.0
        if code.startswith(("M104", "M109")):
            self.nozzle_target = target
        else:
            self.bed_target = target
        if code.startswith(("M109", "M190")):
            while not self._stop.is_set() and not self._warm():
                time.sleep(0.1)
                self._physics()
                self._report()
        return []

    def _warm(self) -> bool:
        return self.nozzle >= self.nozzle_target - 1 and self.bed >= self.bed_target - 1

    def _auto_report(self, code: str) -> list[str]:
        self._auto = "S0" not in code
        return []

    def _physics(self) -> None:
        now = time.monotonic()
        step, self._moved = now - self._moved, now
        self.nozzle = _towards(self.nozzle, max(24.0, self.nozzle_target), 60.0 * step)
        self.bed = _towards(self.bed, max(24.0, self.bed_target), 20.0 * step)

    def _report(self) -> None:
        now = time.monotonic()
        if now - self._reported < REPORT or self.halted:
            return
        self._reported = now
        if self.waiting:
            self._say("echo:busy: paused for user")
        if not self._auto:
            return
        heat = (
            f"T:{self.nozzle:.1f} /{self.nozzle_target:.1f} B:{self.bed:.1f} /{self.bed_target:.1f}"
        )
        self._say(f"{heat} T0:{self.nozzle:.1f} /{self.nozzle_target:.1f} @:0 B@:0 P:0.0 A:30.0")
        place = f"X:0.00 Y:0.00 Z:{self.z:.2f} E:0.00"
        self._say(f"{place} Count X: 0.00 Y:0.00 Z:{self.z:.2f} E:0.00")
        fan = 4200 if self.nozzle > 50 else 0
        self._say(f"E0:{fan} RPM PRN1:0 RPM E0@:0 PRN1@:0")

    def _say(self, line: str) -> None:
        with self._lock:
            if self._master is None:
                return
            try:
                os.write(self._master, (line + "\n").encode())
            except OSError:
                pass  # unplugged between two lines


def _towards(value: float, goal: float, step: float) -> float:
    return min(goal, value + step) if value < goal else max(goal, value - step)
