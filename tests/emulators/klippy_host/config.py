# Reads a printer.cfg for the stand-in host, as strictly as Klipper does
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Sections and options with Klipper's checks; every option must have been asked for by somebody."""

from __future__ import annotations

import configparser
import glob
import pathlib
import re
from typing import Any, Callable, Optional

_REQUIRED = object()


class ConfigError(Exception):
    pass


class ConfigSection:
    """What an extra receives as ``config``."""

    error = ConfigError

    def __init__(self, printer: Any, source: ConfigSource, name: str) -> None:
        self.printer = printer
        self.source = source
        self.section = name

    def get_printer(self) -> Any:
        return self.printer

    def get_name(self) -> str:
        return self.section

    def has_section(self, name: str) -> bool:
        return self.source.parser.has_section(name)

    def getsection(self, name: str) -> ConfigSection:
        return ConfigSection(self.printer, self.source, name)

    def get_prefix_sections(self, prefix: str) -> list[ConfigSection]:
        return [self.getsection(s) for s in self.source.parser.sections() if s.startswith(prefix)]

    def get_prefix_options(self, prefix: str) -> list[str]:
        return [o for o in self.source.parser.options(self.section) if o.startswith(prefix)]

    def _read(
        self,
        convert: Callable[[str], Any],
        option: str,
        default: Any,
        minval: Optional[float] = None,
        maxval: Optional[float] = None,
        above: Optional[float] = None,
        below: Optional[float] = None,
    ) -> Any:
        parser = self.source.parser
        self.source.asked.add((self.section.lower(), option.lower()))
        if not parser.has_option(self.section, option):
            if default is _REQUIRED:
                raise ConfigError(
                    f"Option '{option}' in section '{self.section}' must be specified"
                )
            self.source.remember(self.section, option, default)
            return default
        try:
            value = convert(parser.get(self.section, option))
        except ConfigError:
            raise
        except Exception as err:
            raise ConfigError(
                f"Unable to parse option '{option}' in section '{self.section}'"
            ) from err
        where = f"Option '{option}' in section '{self.section}' must"
        if minval is not None and value < minval:
            raise ConfigError(f"{where} have minimum of {minval}")
        if maxval is not None and value > maxval:
            raise ConfigError(f"{where} have maximum of {maxval}")
        if above is not None and value <= above:
            raise ConfigError(f"{where} be above {above}")
        if below is not None and value >= below:
            raise ConfigError(f"{where} be below {below}")
        self.source.remember(self.section, option, value)
        return value

    def get(self, option: str, default: Any = _REQUIRED, note_valid: bool = True) -> Any:
        return self._read(str, option, default)

    def getint(
        self,
        option: str,
        default: Any = _REQUIRED,
        minval: Optional[int] = None,
        maxval: Optional[int] = None,
        note_valid: bool = True,
    ) -> Any:
        return self._read(int, option, default, minval, maxval)

    def getfloat(
        self,
        option: str,
        default: Any = _REQUIRED,
        minval: Optional[float] = None,
        maxval: Optional[float] = None,
        above: Optional[float] = None,
        below: Optional[float] = None,
        note_valid: bool = True,
    ) -> Any:
        return self._read(float, option, default, minval, maxval, above, below)

    def getboolean(self, option: str, default: Any = _REQUIRED, note_valid: bool = True) -> Any:
        def convert(text: str) -> bool:
            return configparser.ConfigParser.BOOLEAN_STATES[text.lower()]

        return self._read(convert, option, default)

    def getchoice(self, option: str, choices: Any, default: Any = _REQUIRED) -> Any:
        table = choices if isinstance(choices, dict) else {choice: choice for choice in choices}
        value = self.get(option, default)
        if value not in table:
            raise ConfigError(
                f"Choice '{value}' for option '{option}' in section '{self.section}'"
                " is not a valid choice"
            )
        return table[value]

    def getlist(
        self,
        option: str,
        default: Any = _REQUIRED,
        sep: str = ",",
        count: Optional[int] = None,
        note_valid: bool = True,
    ) -> Any:
        def convert(text: str) -> tuple[str, ...]:
            parts = tuple(part.strip() for part in text.split(sep) if part.strip())
            if count is not None and len(parts) != count:
                raise ConfigError(
                    f"Option '{option}' in section '{self.section}' must have {count} elements"
                )
            return parts

        return self._read(convert, option, default)


class ConfigSource:
    """One read of a configuration file with its includes."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.asked: set[tuple[str, str]] = set()
        self.settings: dict[str, dict[str, Any]] = {}
        self.parser = configparser.RawConfigParser(
            strict=False,
            inline_comment_prefixes=(";", "#"),
            comment_prefixes=("#", ";"),
            delimiters=("=", ":"),
            empty_lines_in_values=True,
        )
        self._read(path, set())

    def _read(self, path: pathlib.Path, seen: set[pathlib.Path]) -> None:
        path = path.resolve()
        if path in seen:
            raise ConfigError(f"Recursive include of config file '{path}'")
        seen.add(path)
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as err:
            raise ConfigError(f"Unable to open config file {path}") from err
        block: list[str] = []
        for line in [*text.splitlines(), "[include]"]:
            header = re.match(r"\[include\s*([^\]]*)\]", line)
            if header is None:
                block.append(line)
                continue
            try:
                self.parser.read_string("\n".join(block), source=str(path))
            except configparser.Error as err:
                raise ConfigError(str(err)) from err
            block = []
            pattern = header.group(1).strip()
            if not pattern:
                continue
            matches = sorted(glob.glob(str(path.parent / pattern)))
            if not matches and not glob.has_magic(pattern):
                raise ConfigError(f"Include file '{path.parent / pattern}' does not exist")
            for match in matches:
                self._read(pathlib.Path(match), seen)

    def remember(self, section: str, option: str, value: Any) -> None:
        if isinstance(value, tuple):
            value = list(value)
        self.settings.setdefault(section.lower(), {})[option.lower()] = value

    def check_unused(self, objects: Any) -> None:
        for section in self.parser.sections():
            name = section.lower()
            if section not in objects and name not in self.settings:
                raise ConfigError(f"Section '{section}' is not a valid config section")
            for option in self.parser.options(section):
                if (name, option.lower()) not in self.asked:
                    raise ConfigError(f"Option '{option}' is not valid in section '{section}'")

    def as_dict(self) -> dict[str, dict[str, str]]:
        return {s: dict(self.parser.items(s)) for s in self.parser.sections()}
