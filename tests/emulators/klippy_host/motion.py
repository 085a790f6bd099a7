# Moves of the stand-in klippy host: where the head is and how long it takes
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Motion without steppers: enough for a job to take its time and to refuse cold extrusion."""

from __future__ import annotations

import math
from typing import Any, Callable


class Toolhead:
    """Position and time of moves, without steppers: a move takes its distance over its speed."""

    def __init__(self, printer: Any, config: Any, speed: float) -> None:
        self.printer = printer
        self.max_velocity = config.getfloat("max_velocity", above=0.0)
        self.max_accel = config.getfloat("max_accel", above=0.0)
        config.get("kinematics")
        self.time_scale = 1.0 / speed
        self.position = [0.0, 0.0, 0.0, 0.0]
        self.feed = 25.0
        self.print_time = 0.0
        self.last_activity = 0.0

    def note_activity(self) -> None:
        self.last_activity = self.printer.get_reactor().monotonic()

    def get_last_move_time(self) -> float:
        return self.print_time

    def register_lookahead_callback(self, callback: Callable[[float], None]) -> None:
        callback(self.print_time)

    def spend(self, seconds: float) -> None:
        """Queue ``seconds`` of motion; pause when more than two seconds are queued."""
        reactor = self.printer.get_reactor()
        now = reactor.monotonic()
        self.note_activity()
        self.print_time = max(self.print_time, now) + seconds * self.time_scale
        while self.print_time > reactor.monotonic() + 2.0 and not self.printer.is_shutdown():
            reactor.pause(self.print_time - 1.0)

    def wait_moves(self) -> None:
        reactor = self.printer.get_reactor()
        while self.print_time > reactor.monotonic() and not self.printer.is_shutdown():
            reactor.pause(self.print_time)

    def move(self, target: list[float]) -> None:
        distance = math.dist(self.position[:3], target[:3])
        extruded = target[3] - self.position[3]
        if extruded > 0.0:
            extruder = self.printer.lookup_object("extruder", None)
            if extruder is None or not extruder.heater.can_extrude:
                raise self.printer.command_error(
                    "Extrude below minimum temp\n"
                    "See the 'min_extrude_temp' config option for details"
                )
            motion = self.printer.lookup_object("print_stats")
            motion.note_extruded(extruded)
        self.position = target
        self.spend((distance or abs(extruded)) / max(0.1, min(self.feed, self.max_velocity)))

    def get_status(self, eventtime: float) -> dict[str, Any]:
        return {
            "homed_axes": "xyz",
            "axis_minimum": [0.0, 0.0, 0.0, 0.0],
            "axis_maximum": [250.0, 250.0, 250.0, 0.0],
            "print_time": self.print_time,
            "stalls": 0,
            "estimated_print_time": eventtime,
            "extruder": "extruder",
            "position": list(self.position),
            "max_velocity": self.max_velocity,
            "max_accel": self.max_accel,
            "minimum_cruise_ratio": 0.5,
            "square_corner_velocity": 5.0,
        }


class GCodeMove:
    def __init__(self, printer: Any, toolhead: Toolhead) -> None:
        self.printer = printer
        self.toolhead = toolhead
        self.absolute = self.absolute_extrude = True
        self.speed_factor = self.extrude_factor = 1.0
        gcode = printer.lookup_object("gcode")
        for code in ("G0", "G1"):
            gcode.register_command(code, self._cmd_move)
        for code, handler in (
            ("G4", self._cmd_dwell),
            ("G28", self._cmd_home),
            ("G90", lambda gcmd: setattr(self, "absolute", True)),
            ("G91", lambda gcmd: setattr(self, "absolute", False)),
            ("M82", lambda gcmd: setattr(self, "absolute_extrude", True)),
            ("M83", lambda gcmd: setattr(self, "absolute_extrude", False)),
            ("G92", self._cmd_set_position),
            ("M220", self._cmd_speed_factor),
            ("M221", self._cmd_extrude_factor),
            ("M400", lambda gcmd: toolhead.wait_moves()),
            ("M18", lambda gcmd: None),
            ("M84", lambda gcmd: None),
        ):
            gcode.register_command(code, handler)

    def _cmd_move(self, gcmd: Any) -> None:
        target = list(self.toolhead.position)
        params = gcmd.get_command_parameters()
        for index, axis in enumerate("XYZE"):
            if axis not in params:
                continue
            value = gcmd.get_float(axis)
            absolute = self.absolute and (axis != "E" or self.absolute_extrude)
            target[index] = value if absolute else target[index] + value
        feed = gcmd.get_float("F", None, above=0.0)
        if feed is not None:
            self.toolhead.feed = feed / 60.0 * self.speed_factor
        self.toolhead.move(target)

    def _cmd_dwell(self, gcmd: Any) -> None:
        self.toolhead.spend(gcmd.get_float("P", 0.0, minval=0.0) / 1000.0)

    def _cmd_home(self, gcmd: Any) -> None:
        self.toolhead.position[:3] = [0.0, 0.0, 0.0]

    def _cmd_set_position(self, gcmd: Any) -> None:
        for index, axis in enumerate("XYZE"):
            value = gcmd.get_float(axis, None)
            if value is not None:
                self.toolhead.position[index] = value

    def _cmd_speed_factor(self, gcmd: Any) -> None:
        self.speed_factor = gcmd.get_float("S", 100.0, above=0.0) / 100.0

    def _cmd_extrude_factor(self, gcmd: Any) -> None:
        self.extrude_factor = gcmd.get_float("S", 100.0, above=0.0) / 100.0

    def get_status(self, eventtime: float) -> dict[str, Any]:
        return {
            "speed_factor": self.speed_factor,
            "speed": self.toolhead.feed * 60.0,
            "extrude_factor": self.extrude_factor,
            "absolute_coordinates": self.absolute,
            "absolute_extrude": self.absolute_extrude,
            "homing_origin": [0.0, 0.0, 0.0, 0.0],
            "position": list(self.toolhead.position),
            "gcode_position": list(self.toolhead.position),
        }
