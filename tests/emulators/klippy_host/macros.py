# gcode_macro of the stand-in klippy host
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Macros as klippy renders them: Jinja2 with single braces, the whole text before its first line.

Jinja2 comes with every Moonraker; without it a ``[gcode_macro]`` section is refused.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any


class StatusView(Mapping):
    """``printer`` inside a macro: status of objects by name, read once per rendering."""

    def __init__(self, printer: Any) -> None:
        self._printer = printer
        self._cache: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        name = str(name).strip()
        if name not in self._cache:
            obj = self._printer.lookup_object(name, None)
            if obj is None or not hasattr(obj, "get_status"):
                raise KeyError(name)
            now = self._printer.get_reactor().monotonic()
            self._cache[name] = copy.deepcopy(obj.get_status(now))
        return self._cache[name]

    def __contains__(self, name: object) -> bool:
        try:
            self[str(name)]
        except KeyError:
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        return (n for n, o in self._printer.lookup_objects() if hasattr(o, "get_status"))

    def __len__(self) -> int:
        return len(list(iter(self)))


class GCodeMacro:
    def __init__(self, config: Any) -> None:
        import jinja2

        self.printer = config.get_printer()
        self.name = config.get_name().split()[1].upper()
        text = config.get("gcode")
        environment = jinja2.Environment("{%", "%}", "{", "}", extensions=["jinja2.ext.do"])
        try:
            self.template = environment.from_string(text)
        except jinja2.TemplateError as err:
            raise config.error(f"Error loading template '{config.get_name()}': {err}") from err
        self.printer.lookup_object("gcode").register_command(
            self.name, self._run, desc=config.get("description", "G-Code macro")
        )

    def _run(self, gcmd: Any) -> None:
        try:
            text = self.template.render(
                printer=StatusView(self.printer),
                params=gcmd.get_command_parameters(),
                rawparams=gcmd.get_raw_command_parameters(),
            )
        except Exception as err:
            raise gcmd.error(f"Error evaluating 'gcode_macro {self.name}:gcode': {err}") from err
        self.printer.lookup_object("gcode").run_script_from_command(text)


class Respond:
    def __init__(self, config: Any) -> None:
        gcode = config.get_printer().lookup_object("gcode")
        gcode.register_command(
            "RESPOND", self._run, desc="Echo the message prepended with a prefix"
        )

    def _run(self, gcmd: Any) -> None:
        gcmd.respond_raw(f"{gcmd.get('PREFIX', 'echo:')} {gcmd.get('MSG', '')}")


SECTIONS = {"gcode_macro": GCodeMacro, "respond": Respond}
