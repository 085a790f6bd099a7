# G-code dispatch of the stand-in klippy host
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Commands, parameters, the one mutex, and the answers, with Klipper's words."""

from __future__ import annotations

import contextlib
import logging
import re
import shlex
from typing import Any, Callable, Optional

LOG = logging.getLogger("klippy_host")
_REQUIRED = object()
_ARGS = re.compile(r"([A-Z_]+|[A-Z*])")
_EXTENDED = re.compile(
    r"^\s*(?:N[0-9]+\s*)?(?P<cmd>[a-zA-Z_][a-zA-Z0-9_]+)(?:\s+|$)(?P<args>[^#*;]*?)\s*(?:[#*;].*)?$"
)


class CommandError(Exception):
    pass


class GCodeCommand:
    error = CommandError

    def __init__(self, gcode: GCodeDispatch, command: str, line: str, params: dict[str, str]):
        self._gcode = gcode
        self._command = command
        self._line = line
        self._params = params
        self.respond_info = gcode.respond_info
        self.respond_raw = gcode.respond_raw

    def get_command(self) -> str:
        return self._command

    def get_commandline(self) -> str:
        return self._line

    def get_command_parameters(self) -> dict[str, str]:
        return self._params

    def get_raw_command_parameters(self) -> str:
        rest = self._line.strip()
        return rest[len(self._command) :].strip() if rest.upper().startswith(self._command) else ""

    def ack(self, msg: Optional[str] = None) -> bool:
        return False

    def get(
        self,
        name: str,
        default: Any = _REQUIRED,
        parser: Callable[[str], Any] = str,
        minval: Optional[float] = None,
        maxval: Optional[float] = None,
        above: Optional[float] = None,
        below: Optional[float] = None,
    ) -> Any:
        value = self._params.get(name)
        if value is None:
            if default is _REQUIRED:
                raise self.error(f"Error on '{self._line}': missing {name}")
            return default
        try:
            parsed = parser(value)
        except ValueError as err:
            raise self.error(f"Error on '{self._line}': unable to parse {value}") from err
        where = f"Error on '{self._line}': {name} must"
        if minval is not None and parsed < minval:
            raise self.error(f"{where} have minimum of {minval}")
        if maxval is not None and parsed > maxval:
            raise self.error(f"{where} have maximum of {maxval}")
        if above is not None and parsed <= above:
            raise self.error(f"{where} be above {above}")
        if below is not None and parsed >= below:
            raise self.error(f"{where} be below {below}")
        return parsed

    def get_int(
        self,
        name: str,
        default: Any = _REQUIRED,
        minval: Optional[int] = None,
        maxval: Optional[int] = None,
    ) -> Any:
        return self.get(name, default, int, minval, maxval)

    def get_float(
        self,
        name: str,
        default: Any = _REQUIRED,
        minval: Optional[float] = None,
        maxval: Optional[float] = None,
        above: Optional[float] = None,
        below: Optional[float] = None,
    ) -> Any:
        return self.get(name, default, float, minval, maxval, above, below)


class GCodeDispatch:
    error = CommandError

    def __init__(self, printer: Any) -> None:
        self.printer = printer
        self.mutex = printer.get_reactor().mutex()
        self.output_handlers: list[Callable[[str], None]] = []
        self.ready_handlers: dict[str, Callable] = {}
        self.early_handlers: dict[str, Callable] = {}
        self.descriptions: dict[str, str] = {}
        self.mux: dict[str, tuple[str, dict[Any, Callable]]] = {}
        for name, handler, text in (
            ("RESTART", self._cmd_restart, "Reload config file and restart host software"),
            ("FIRMWARE_RESTART", self._cmd_restart, "Restart firmware, host, and reload config"),
            ("STATUS", self._cmd_status, "Report the printer status"),
            ("HELP", self._cmd_help, "Report the list of available extended G-Code commands"),
            ("ECHO", lambda gcmd: gcmd.respond_info(gcmd.get_commandline()), None),
            ("M112", lambda gcmd: self.printer.invoke_shutdown("Shutdown due to M112 command"), ""),
        ):
            self.register_command(name, handler, when_not_ready=True, desc=text or None)
        self.register_command("M115", self._cmd_m115, when_not_ready=True)

    def get_mutex(self) -> Any:
        return self.mutex

    def register_command(
        self,
        cmd: str,
        func: Optional[Callable],
        when_not_ready: bool = False,
        desc: Optional[str] = None,
    ) -> Optional[Callable]:
        if func is None:
            self.descriptions.pop(cmd, None)
            self.early_handlers.pop(cmd, None)
            return self.ready_handlers.pop(cmd, None)
        if cmd in self.ready_handlers:
            raise self.printer.config_error(f"gcode command {cmd} already registered")
        if not (re.match(r"^[A-Z][0-9]+(\.[0-9]+)?$", cmd) or re.match(r"^[A-Z_][A-Z_]", cmd)):
            raise self.printer.config_error(f"Can't register '{cmd}' as it is an invalid name")
        self.ready_handlers[cmd] = func
        if when_not_ready:
            self.early_handlers[cmd] = func
        if desc is not None:
            self.descriptions[cmd] = desc
        return None

    def register_mux_command(
        self, cmd: str, key: str, value: Any, func: Callable, desc: Optional[str] = None
    ) -> None:
        if cmd not in self.mux:
            self.mux[cmd] = (key, {})
            self.register_command(cmd, lambda gcmd: self._cmd_mux(cmd, gcmd), desc=desc)
        if self.mux[cmd][0] != key:
            raise self.printer.config_error(
                f"mux command {cmd} {key} {value} may have only one key ({self.mux[cmd][0]})"
            )
        if value in self.mux[cmd][1]:
            raise self.printer.config_error(f"mux command {cmd} {key} {value} already registered")
        self.mux[cmd][1][value] = func

    def _cmd_mux(self, command: str, gcmd: GCodeCommand) -> None:
        key, values = self.mux[command]
        param = gcmd.get(key, None) if None in values else gcmd.get(key)
        if param not in values:
            options = ", ".join(sorted(str(value) for value in values))
            raise gcmd.error(f"The value '{param}' is not valid for {key}. Options: {options}")
        values[param](gcmd)

    def get_command_help(self) -> dict[str, str]:
        return dict(self.descriptions)

    def create_gcode_command(
        self, command: str, commandline: str, params: dict[str, str]
    ) -> GCodeCommand:
        return GCodeCommand(self, command, commandline, params)

    # -- running
    def run_script(self, script: str) -> None:
        with self.mutex:
            self._process(script)

    def run_script_from_command(self, script: str) -> None:
        self._process(script)

    def _process(self, script: str) -> None:
        for line in script.split("\n"):
            bare = line.split(";", 1)[0].strip()
            if not bare:
                continue
            gcmd = self._parse(bare)
            ready = self.printer.get_state_message()[1] == "ready"
            handlers = self.ready_handlers if ready else self.early_handlers
            handler = handlers.get(gcmd.get_command(), self._unknown)
            try:
                handler(gcmd)
            except CommandError as err:
                self.respond_error(str(err))
                self.printer.send_event("gcode:command_error")
                raise
            except Exception:
                message = f'Internal error on command:"{gcmd.get_command()}"'
                LOG.exception(message)
                self.printer.invoke_shutdown(message)
                self.respond_error(message)
                raise CommandError(message) from None

    def _parse(self, line: str) -> GCodeCommand:
        pieces = _ARGS.split(line.upper().lstrip())
        first = pieces[1] + pieces[2].strip() if len(pieces) > 2 else line.upper()
        if re.match(r"^[GMT][0-9]+(\.[0-9]+)?$", first):
            originals = _ARGS.split(line.upper())
            params = {
                originals[i]: originals[i + 1].strip() for i in range(3, len(originals) - 1, 2)
            }
            if first in ("M117", "M118"):
                params = {}
            return GCodeCommand(self, first, line, params)
        match = _EXTENDED.match(line)
        if match is None:
            return GCodeCommand(self, line.split()[0].upper(), line, {})
        params = {}
        with contextlib.suppress(ValueError):
            for word in shlex.split(match.group("args")):
                key, sep, value = word.partition("=")
                if sep:
                    params[key.upper()] = value
        return GCodeCommand(self, match.group("cmd").upper(), line, params)

    def _unknown(self, gcmd: GCodeCommand) -> None:
        if self.printer.get_state_message()[1] != "ready":
            raise gcmd.error(self.printer.get_state_message()[0])
        if gcmd.get_command() in ("M105", "M21", "M110"):
            return
        gcmd.respond_info(f'Unknown command:"{gcmd.get_command()}"')

    # -- answers
    def register_output_handler(self, handler: Callable[[str], None]) -> None:
        self.output_handlers.append(handler)

    def respond_raw(self, msg: str) -> None:
        for handler in self.output_handlers:
            handler(msg)

    def respond_info(self, msg: str, log: bool = True) -> None:
        if log:
            LOG.info(msg)
        self.respond_raw("\n".join(f"// {line.strip()}" for line in msg.strip().split("\n")))

    def respond_error(self, msg: str) -> None:
        LOG.warning(msg)
        lines = msg.strip().split("\n")
        if len(lines) > 1:
            self.respond_info("\n".join(lines))
        self.respond_raw(f"!! {lines[0].strip()}")

    # -- built-in commands
    def _cmd_restart(self, gcmd: GCodeCommand) -> None:
        self.printer.restart("firmware_restart" if "FIRM" in gcmd.get_command() else "restart")

    def _cmd_status(self, gcmd: GCodeCommand) -> None:
        message, state = self.printer.get_state_message()
        if state != "ready":
            raise gcmd.error(message + "\nKlipper state: " + state)
        gcmd.respond_info("Klipper state: Ready")

    def _cmd_help(self, gcmd: GCodeCommand) -> None:
        lines = [f"{name:<10}: {text}" for name, text in sorted(self.descriptions.items())]
        gcmd.respond_info("Available extended commands:\n" + "\n".join(lines), log=False)

    def _cmd_m115(self, gcmd: GCodeCommand) -> None:
        gcmd.respond_info("FIRMWARE_NAME:Klipper FIRMWARE_VERSION:stand-in")
