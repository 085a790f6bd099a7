# Jobs of the stand-in klippy host: virtual_sdcard, print_stats, pause_resume
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Runs a G-code file line by line, with the states and refusals of klippy."""

from __future__ import annotations

import logging
import os
import pathlib
from typing import Any, Callable, Optional

LOG = logging.getLogger("klippy_host")
SUFFIXES = (".gcode", ".g", ".gco")


class PrintStats:
    def __init__(self, config: Any) -> None:
        self.printer = config.get_printer()
        self.reactor = self.printer.get_reactor()
        gcode = self.printer.lookup_object("gcode")
        gcode.register_command(
            "SET_PRINT_STATS_INFO", self._cmd_info, desc="Pass slicer info like layer act and total"
        )
        self.reset()

    def reset(self) -> None:
        self.filename = self.message = ""
        self.state = "standby"
        self.filament_used = self.prev_pause = self.total = self.warm_up = 0.0
        self.started: Optional[float] = None
        self.paused_at: Optional[float] = None
        self.layer: Optional[int] = None
        self.layers: Optional[int] = None

    def set_file(self, name: str) -> None:
        self.reset()
        self.filename = name

    def note_extruded(self, length: float) -> None:
        if self.state == "printing":
            if not self.filament_used and self.started is not None:
                self.warm_up = self.reactor.monotonic() - self.started - self.prev_pause
            self.filament_used += length

    def note_start(self) -> None:
        now = self.reactor.monotonic()
        if self.started is None:
            self.started = now
        elif self.paused_at is not None:
            self.prev_pause += now - self.paused_at
        self.paused_at = None
        self.state, self.message = "printing", ""

    def note_pause(self) -> None:
        if self.paused_at is None:
            self.paused_at = self.reactor.monotonic()
            self.state = "paused"

    def note_finish(self, state: str, message: str = "") -> None:
        if self.started is None:
            return
        now = self.reactor.monotonic()
        if self.paused_at is not None:
            self.prev_pause += now - self.paused_at
        self.total = now - self.started
        self.state, self.message = state, message
        self.started = self.paused_at = None

    def note_cancel(self) -> None:
        self.note_finish("cancelled")

    def _cmd_info(self, gcmd: Any) -> None:
        self.layers = gcmd.get_int("TOTAL_LAYER", self.layers, minval=0)
        self.layer = gcmd.get_int("CURRENT_LAYER", self.layer, minval=0)

    def get_status(self, eventtime: float) -> dict[str, Any]:
        total, pause = self.total, self.prev_pause
        if self.started is not None:
            total = eventtime - self.started
            if self.paused_at is not None:
                pause += eventtime - self.paused_at
        return {
            "filename": self.filename,
            "total_duration": max(0.0, total),
            # the time before the first extrusion does not count
            "print_duration": max(0.0, total - pause - self.warm_up) if self.filament_used else 0.0,
            "filament_used": self.filament_used,
            "state": self.state,
            "message": self.message,
            "info": {"total_layer": self.layers, "current_layer": self.layer},
        }


class VirtualSD:
    def __init__(self, config: Any) -> None:
        self.printer = config.get_printer()
        self.reactor = self.printer.get_reactor()
        override = self.printer.get_start_args().get("gcodes")
        path = config.get("path")
        self.root = pathlib.Path(override or os.path.expanduser(path)).resolve()
        if override and self.printer.source is not None:
            self.printer.source.parser.set("virtual_sdcard", "path", str(self.root))
        self.stats = self.printer.load_object(config, "print_stats")
        self.gcode = self.printer.lookup_object("gcode")
        self.file: Optional[pathlib.Path] = None
        self.position = self.size = 0
        self.work_timer: Any = None
        self.must_pause = False
        for name, handler, text in (
            ("SDCARD_PRINT_FILE", self._cmd_print, "Loads a SD file and starts the print."),
            ("SDCARD_RESET_FILE", self._cmd_reset, "Clears a loaded SD File."),
        ):
            self.gcode.register_command(name, handler, desc=text)
        self.printer.register_event_handler("klippy:shutdown", self._on_shutdown)

    # -- state
    def is_active(self) -> bool:
        return self.work_timer is not None

    def is_cmd_from_sd(self) -> bool:
        return self.is_active()

    def progress(self) -> float:
        return self.position / self.size if self.size else 0.0

    def get_status(self, eventtime: float) -> dict[str, Any]:
        return {
            "file_path": str(self.file) if self.file else None,
            "progress": self.progress(),
            "is_active": self.is_active(),
            "file_position": self.position,
            "file_size": self.size,
        }

    # -- commands
    def _cmd_print(self, gcmd: Any) -> None:
        if self.is_active():
            raise gcmd.error("SD busy")
        name = gcmd.get("FILENAME").lstrip("/")
        path = (self.root / name).resolve()
        inside = self.root == path or self.root in path.parents
        if not inside or path.suffix.lower() not in SUFFIXES or not path.is_file():
            raise gcmd.error("Unable to open file")
        self._forget()
        self.file, self.size, self.position = path, path.stat().st_size, 0
        self.stats.set_file(name)
        self.do_resume()

    def _cmd_reset(self, gcmd: Any) -> None:
        if self.is_active():
            raise gcmd.error("SDCARD_RESET_FILE cannot be run from the sdcard")
        self._forget()
        self.stats.reset()

    def _forget(self) -> None:
        self.file = None
        self.position = self.size = 0

    def do_resume(self) -> None:
        if self.is_active():
            raise self.printer.command_error("SD busy")
        self.must_pause = False
        self.work_timer = self.reactor.register_timer(self._work, self.reactor.NOW)

    def do_pause(self) -> None:
        if self.is_active():
            self.must_pause = True
            while self.is_active():
                self.reactor.pause(self.reactor.monotonic() + 0.001)

    def do_cancel(self) -> None:
        if self.file is not None:
            self.do_pause()
            self._forget()
            self.stats.note_cancel()

    def _on_shutdown(self) -> None:
        if self.is_active():
            self.must_pause = True
            self.stats.note_finish("error", "Printer is shutdown")

    # -- the loop that reads the file
    def _work(self, eventtime: float) -> float:
        LOG.info("Starting SD card print (position %d)", self.position)
        self.stats.note_start()
        error: Optional[str] = None
        ended = False
        try:
            with open(self.file or os.devnull, "rb") as stream:
                stream.seek(self.position)
                while not self.must_pause:
                    if self.gcode.get_mutex().test():
                        self.reactor.pause(self.reactor.monotonic() + 0.1)
                        continue
                    line = stream.readline()
                    if not line:
                        ended = True
                        break
                    try:
                        self.gcode.run_script(line.decode("utf-8", "replace").rstrip())
                    except self.gcode.error as err:
                        error = str(err)
                        break
                    self.position += len(line)
                    self.reactor.pause(self.reactor.NOW)
        except OSError as err:
            error = f"virtual_sdcard read: {err}"
        if self.work_timer is not None:
            self.reactor.unregister_timer(self.work_timer)
            # unregistered timers may not be rescheduled
        self.work_timer = None
        if error is not None:
            self.stats.note_finish("error", error)
        elif ended:
            self.printer.lookup_object("toolhead").wait_moves()
            self._finish()
        else:
            self.stats.note_pause()
        return self.reactor.NEVER

    def _finish(self) -> None:
        self.stats.note_finish("complete")
        self.file = None


class PauseResume:
    def __init__(self, config: Any) -> None:
        self.printer = config.get_printer()
        config.getfloat("recover_velocity", 50.0)
        self.gcode = self.printer.lookup_object("gcode")
        self.card: Any = None
        self.is_paused = False
        self.printer.register_event_handler("klippy:connect", self._connect)
        hooks = self.printer.lookup_object("webhooks")
        for name, handler, text in (
            ("PAUSE", self._cmd_pause, "Pauses the current print"),
            ("RESUME", self._cmd_resume, "Resumes the print from a pause"),
            ("CLEAR_PAUSE", self._cmd_clear, "Clears the current paused state"),
            ("CANCEL_PRINT", self._cmd_cancel, "Cancel the current print"),
        ):
            self.gcode.register_command(name, handler, desc=text)
        for name, script in (("cancel", "CANCEL_PRINT"), ("pause", "PAUSE"), ("resume", "RESUME")):
            hooks.register_endpoint(f"pause_resume/{name}", self._endpoint(script))

    def _connect(self) -> None:
        self.card = self.printer.lookup_object("virtual_sdcard", None)

    def _endpoint(self, script: str) -> Callable:
        return lambda request: self.gcode.run_script(script)

    def _cmd_pause(self, gcmd: Any) -> None:
        if self.is_paused:
            gcmd.respond_info("Print already paused")
            return
        if self.card is not None and self.card.is_active():
            self.card.must_pause = True  # the loop stops once this command has released the mutex
        else:
            gcmd.respond_info("action:paused")
        self.is_paused = True

    def _cmd_resume(self, gcmd: Any) -> None:
        if not self.is_paused:
            gcmd.respond_info("Print is not paused, resume aborted")
            return
        self.is_paused = False
        if self.card is not None and self.card.file is not None:
            self.card.do_resume()

    def _cmd_clear(self, gcmd: Any) -> None:
        self.is_paused = False

    def _cmd_cancel(self, gcmd: Any) -> None:
        if self.card is not None and (self.card.is_active() or self.is_paused):
            self.card.do_cancel()
        else:
            gcmd.respond_info("action:cancel")
        self.is_paused = False

    def get_status(self, eventtime: float) -> dict[str, Any]:
        return {"is_paused": self.is_paused}


SECTIONS: dict[str, Callable[[Any], Any]] = {
    "print_stats": PrintStats,
    "virtual_sdcard": VirtualSD,
    "pause_resume": PauseResume,
}
