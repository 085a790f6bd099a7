# One printer's options: text in, validated settings out
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Knows no Moonraker: the text may come from moonraker.conf or from the database.

Every fault names section, option, value and remedy; the value of a credential is never named.
"""

from __future__ import annotations

import difflib
import pathlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Callable, Optional

from .bridges.base import BridgeType, OptionReader, PrinterSettings
from .core.commands import Control
from .core.errors import ConfigFault
from .core.guards import GuardAction, GuardRules
from .core.secret import Secret
from .printer import LOCAL

NAME = re.compile(r"[A-Za-z0-9_-]{1,32}\Z")
HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9])?\Z|\[?[0-9A-Fa-f:]{2,45}\]?\Z")
# unit -> (odometer, how much of it)
COUNTER_UNITS = {
    "hours": ("print_time", 3600.0),
    "jobs": ("jobs", 1.0),
    "kg": ("grams", 1000.0),
    "grams": ("grams", 1.0),
    "days": ("days", 1.0),
}
COUNTER = re.compile(
    rf"([\w .-]{{1,40}}?)\s*[=:]\s*(\d{{1,7}}(?:\.\d+)?)\s*({'|'.join(COUNTER_UNITS)})\Z", re.I
)


@dataclass(frozen=True)
class Option:
    """One row of docs/configuration.md."""

    name: str
    default: str
    meaning: str


COMMON = (
    Option("type", "required", "brand of the printer: bambu, prusalink, or a registered type"),
    Option("display_name", "the section's name", "what people see"),
    Option("host", "required", "address or host name of the printer, without scheme or port"),
    Option("port", "the type's", "the printer's own port"),
    Option("control", "jobs", "what callers may do: none, jobs or full"),
    Option("tls", "the type's", "how the printer's certificate is checked"),
    Option("ca_file", "none", "certificate file for `tls: verify`"),
    Option("virtual_port", "none", "own port of the virtual Moonraker, 1024 to 65535"),
    Option("filament_panel", "afc", "panel objects for filament: afc, mmu, both or off"),
    Option("finish_estimate", "printer", "whose remaining time is shown: printer or learned"),
    Option("notifiers", "none", "names of `[notifier]` sections that get this printer's events"),
    Option("energy_sensor", "none", "`[sensor]` section that measures what the printer draws"),
    Option("guard_heater_off_target", "off", "seconds a heater may be away from its target"),
    Option("guard_no_progress", "off", "seconds of printing without progress"),
    Option("guard_filament_runout", "False", "whether an empty slot that feeds is an alert"),
    Option("guard_fault_codes", "none", "fault codes that are an alert"),
    Option("guard_offline", "off", "seconds out of reach while it prints"),
    Option("guard_action", "notify", "what an alert does: notify or pause"),
    Option("maintenance", "none", "counters with the amount after which they are due, one a line"),
)


class SectionReader(OptionReader):
    """Reads one section's text; remembers what was asked for, so that the rest can be named."""

    def __init__(
        self,
        section: str,
        values: Mapping[str, str],
        render: Optional[Callable[[str, str], str]] = None,
    ) -> None:
        self.section = section
        self._values = values
        self._render = render
        self._asked: set[str] = set()
        #: options whose credential stands in the file itself
        self.literals: list[str] = []
        #: credentials that were read
        self.credentials: list[str] = []

    def text(self, option: str, default: Optional[str] = None, *, required: bool = False) -> str:
        self._asked.add(option)
        value = self._values.get(option, "").strip()
        if value:
            return value
        if required:
            raise self.fault(option, None, "is missing", f"add '{option}: ...'")
        return default or ""

    def secret(self, option: str, *, required: bool = False) -> Secret:
        raw = self.text(option, required=required)
        if raw:
            self.credentials.append(option)
        if not raw or self._render is None:
            return Secret(raw)
        if "{" not in raw:
            self.literals.append(option)
            return Secret(raw)
        try:
            value = str(self._render(option, raw)).strip()
        except Exception:
            # the exception may quote the template, and with it a credential: not chained
            raise self.fault(
                option,
                None,
                "its template cannot be rendered",
                "check the name after 'secrets.' and that moonraker.secrets holds it;"
                " a literal value must not contain '{'",
            ) from None
        if not value and required:
            raise self.fault(
                option,
                None,
                "its template is empty",
                "check that moonraker.secrets holds this entry",
            )
        return Secret(value)

    def integer(
        self, option: str, default: Optional[int], minimum: int, maximum: int
    ) -> Optional[int]:
        raw = self.text(option)
        if not raw:
            return default
        remedy = f"use a whole number from {minimum} to {maximum}"
        try:
            value = int(raw)
        except ValueError:
            raise self.fault(option, raw, "is not a number", remedy) from None
        if not minimum <= value <= maximum:
            raise self.fault(option, raw, "is out of range", remedy)
        return value

    def choice(self, option: str, choices: tuple[str, ...], default: str) -> str:
        raw = self.text(option, default)
        value = raw.lower()
        if value not in choices:
            raise self.fault(option, raw, "is not known", f"use one of: {', '.join(choices)}")
        return value

    def fault(self, option: str, value: Optional[str], what: str, remedy: str) -> ConfigFault:
        shown = "" if value is None else f" '{value[:60]}'"
        return ConfigFault(f"[{self.section}] option '{option}':{shown} {what}; {remedy}")

    def unknown(self) -> list[str]:
        """One sentence for each option that nobody asked for."""
        sentences = []
        for option in self._values:
            if option in self._asked:
                continue
            near = difflib.get_close_matches(option, self._asked, 1)
            remedy = f"did you mean '{near[0]}'?" if near else "remove it"
            sentences.append(f"[{self.section}] option '{option}': is not known; {remedy}")
        return sentences


def check_name(section: str, name: str) -> None:
    if not NAME.match(name):
        raise ConfigFault(
            f"[{section}]: the name '{name[:40]}' cannot be used; use 1 to 32 letters, digits,"
            " '_' or '-' (free text belongs into 'display_name')"
        )
    if name.lower() == LOCAL:
        raise ConfigFault(
            f"[{section}]: the name '{name}' is reserved for the local Klipper; use another"
        )


def read_printer(reader: SectionReader, name: str, bridge_type: BridgeType) -> PrinterSettings:
    """All options of a printer; raises ``ConfigFault`` at the first that is wrong."""
    display_name = reader.text("display_name", name)
    if len(display_name) > 64 or not display_name.isprintable():
        raise reader.fault("display_name", display_name, "is too long", "use up to 64 characters")
    host = reader.text("host", required=bridge_type.needs_host)
    if host and not HOST.match(host):
        raise reader.fault(
            "host",
            host,
            "is no host name or address",
            "write it without 'http://', port, user or path",
        )
    tls, ca_file = _read_tls(reader, bridge_type)
    return PrinterSettings(
        name=name,
        type=bridge_type.name,
        display_name=display_name,
        host=host.strip("[]"),
        port=reader.integer("port", bridge_type.default_port, 1, 65535),
        control=Control(reader.choice("control", ("none", "jobs", "full"), "jobs")),
        tls=tls,
        ca_file=ca_file,
        virtual_port=reader.integer("virtual_port", None, 1024, 65535),
        filament_panel=reader.choice("filament_panel", ("afc", "mmu", "both", "off"), "afc"),
        finish_estimate=reader.choice("finish_estimate", ("printer", "learned"), "printer"),
        notifiers=_items(reader, "notifiers"),
        energy_sensor=reader.text("energy_sensor"),
        maintenance=_read_maintenance(reader),
        guards=_read_guards(reader),
        options=bridge_type.parse(reader),
    )


def _items(reader: SectionReader, option: str) -> tuple[str, ...]:
    """Separated by commas or lines."""
    items = (item.strip() for item in re.split(r"[,\n]", reader.text(option)))
    return tuple(item for item in items if item)


def _read_guards(reader: SectionReader) -> GuardRules:
    def seconds(option: str) -> Optional[float]:
        value = reader.integer(option, None, 10, 86400)
        return None if value is None else float(value)

    return GuardRules(
        heater_off_target=seconds("guard_heater_off_target"),
        no_progress=seconds("guard_no_progress"),
        filament_runout=reader.choice("guard_filament_runout", ("true", "false"), "false")
        == "true",
        fault_codes=frozenset(code.upper() for code in _items(reader, "guard_fault_codes")),
        offline=seconds("guard_offline"),
        action=GuardAction(reader.choice("guard_action", ("notify", "pause"), "notify")),
    )


def _read_maintenance(reader: SectionReader) -> tuple[tuple[str, str, float], ...]:
    """Lines such as ``nozzle = 300 hours``."""
    counters = []
    for line in reader.text("maintenance").splitlines():
        if not line.strip():
            continue
        found = COUNTER.match(line.strip())
        if found is None:
            raise reader.fault(
                "maintenance",
                line.strip(),
                "is no counter",
                f"write 'name = amount unit' with one of: {', '.join(COUNTER_UNITS)}",
            )
        name, amount, unit = found.groups()
        odometer, factor = COUNTER_UNITS[unit.lower()]
        counters.append((name.strip(), odometer, float(amount) * factor))
    return tuple(counters)


def _read_tls(
    reader: SectionReader, bridge_type: BridgeType
) -> tuple[Optional[str], Optional[str]]:
    modes = bridge_type.tls_modes
    if not modes:
        return None, None
    ca_file = reader.text("ca_file")
    if ca_file:
        path = pathlib.Path(ca_file).expanduser()
        if not path.is_file():
            raise reader.fault("ca_file", ca_file, "does not exist", "name a readable file")
        ca_file = str(path)
    default = "verify" if ca_file and "verify" in modes else "pin" if "pin" in modes else modes[0]
    tls = reader.choice("tls", modes, default)
    if tls == "verify" and not ca_file:
        raise reader.fault("tls", tls, "needs a certificate to check against", "add 'ca_file: ...'")
    return tls, ca_file or None
