# moonraker.conf -> frozen settings
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The only reader of Moonraker's ConfigHelper.

One bad section yields one sentence and a printer that shows it; nothing here raises. Every option
of every section of ours is touched, so that Moonraker adds no "Unparsed config option" of its own.
"""

from __future__ import annotations

import importlib
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Callable, Optional

from .bridges.base import BridgeType, PrinterSettings, bridge_types
from .core.errors import ConfigFault, MoonfleetError, one_line
from .history.statistics import FREE, Prices
from .options import SectionReader, check_name, read_printer

if TYPE_CHECKING:
    from moonraker.confighelper import ConfigHelper

logger = logging.getLogger("moonfleet")
PREFIX = "moonfleet "
BUILT_IN = ("bambu", "prusalink")
PRICES = ("energy_price", "machine_price")
PRICE = re.compile(r"\d{1,9}(\.\d{1,6})?\Z")
MODULE_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*\Z")


@dataclass(frozen=True)
class Broken:
    """A section that cannot be used; ``settings`` is just enough to show it."""

    settings: PrinterSettings
    message: str


@dataclass
class FleetConfig:
    printers: list[tuple[PrinterSettings, BridgeType]] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)
    prices: Prices = FREE
    eta_sensors: bool = False
    #: warning id -> sentence for people
    warnings: dict[str, str] = field(default_factory=dict)


def read_config(config: ConfigHelper) -> FleetConfig:
    """``[moonfleet]`` and every ``[moonfleet <name>]``."""
    result = FleetConfig()
    main = config["moonfleet"]
    reader = SectionReader("moonfleet", _values(main))
    modules = [item.strip() for item in re.split(r"[,\n]", reader.text("bridge_modules"))]
    for module in filter(None, modules):
        problem = _import_bridges(module)
        if problem is not None:
            result.warnings[f"moonfleet_module_{module}"] = problem
    try:
        result.prices = _read_prices(reader)
    except ConfigFault as error:
        result.warnings["moonfleet_prices"] = str(error)
    try:
        result.eta_sensors = reader.choice("eta_sensors", ("true", "false"), "false") == "true"
    except ConfigFault as error:
        result.warnings["moonfleet_eta_sensors"] = str(error)
    _warn_unknown(reader, result)
    ports: dict[int, str] = {}
    names: set[str] = set()
    for section in config.get_prefix_sections(PREFIX):
        _read_section(config[section], section, result, names, ports)
    return result


def _read_section(
    cfg: ConfigHelper,
    section: str,
    result: FleetConfig,
    names: set[str],
    ports: dict[int, str],
) -> None:
    name = section[len(PREFIX) :].strip()
    values = _values(cfg)
    reader = SectionReader(section, values, _renderer(cfg))
    try:
        check_name(section, name)
        if name.lower() in names:
            raise ConfigFault(f"[{section}]: another printer has this name; use a different one")
        bridge_type = bridge_type_of(reader)
        settings = read_printer(reader, name, bridge_type)
        if settings.virtual_port in ports:
            other = ports[settings.virtual_port]
            raise reader.fault(
                "virtual_port", str(settings.virtual_port), f"is used by [{other}]", "use another"
            )
    except MoonfleetError as error:
        message = str(error)
    except Exception as error:
        # a third-party type's parser: its own mistakes must not stop the others
        logger.exception("moonfleet: [%s] could not be read", section)
        message = one_line(f"[{section}]: cannot be read: {type(error).__name__}: {error}")
    else:
        names.add(name.lower())
        if settings.virtual_port is not None:
            ports[settings.virtual_port] = section
        result.printers.append((settings, bridge_type))
        _warn_unknown(reader, result)
        for option in reader.literals:
            result.warnings[f"moonfleet_{name}_{option}_literal"] = (
                f"[{section}] option '{option}': stands in moonraker.conf, and so in every"
                f" moonraker.log; move it to moonraker.secrets and write"
                f" '{option}: {{secrets.{name}.{option}}}'"
            )
        return
    shown = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:32] or "unnamed"
    result.warnings[f"moonfleet_{shown}"] = message
    if shown.lower() not in names and shown.lower() != "klipper":
        names.add(shown.lower())
        text = values.get("display_name", name).strip() or name
        display = "".join(c for c in text if c.isprintable())[:64]
        kind = values.get("type", "").strip().lower()[:32] or "unknown"
        result.broken.append(Broken(PrinterSettings(shown, kind, display), message))


def _values(cfg: ConfigHelper) -> Mapping[str, str]:
    """Every option as text, each touched in Moonraker's own book of parsed options."""
    return {option: str(cfg.get(option, "")) for option in cfg.get_options()}


def _renderer(cfg: ConfigHelper) -> Callable[[str, str], str]:
    def render(option: str, raw: str) -> str:
        return str(cfg.gettemplate(option).render())

    return render


def _read_prices(reader: SectionReader) -> Prices:
    """Cost is told from these only."""
    currency = reader.text("currency")[:8]
    energy, machine = (_price(reader, name, reader.text(name)) for name in PRICES)
    filament: dict[str, float] = {}
    for line in reader.text("filament_price").splitlines():
        material, _, price = line.rpartition("=")
        value = _price(reader, "filament_price", price)
        if value is not None:
            filament[material.strip()] = value
    return Prices(currency or None, filament, energy, machine)


def _price(reader: SectionReader, option: str, text: str) -> Optional[float]:
    if not text.strip():
        return None
    if not PRICE.match(text.strip()):
        raise reader.fault(option, text.strip(), "is no price", "write a number such as 24.90")
    return float(text)


def import_built_in(name: str) -> None:
    """ImportError when the type lacks a Python package."""
    if name not in bridge_types():
        importlib.import_module(f"{__package__}.bridges.{name}.bridge")


def bridge_type_of(reader: SectionReader) -> BridgeType:
    """From the registry; a built-in type is imported when a section first asks for it."""
    name = reader.text("type", required=True)
    wanted = name.lower()
    if wanted in BUILT_IN:
        try:
            import_built_in(wanted)
        except ImportError as error:
            raise reader.fault(
                "type",
                name,
                f"cannot be used: {error}",
                "install the component's requirements.txt into Moonraker's environment",
            ) from error
    types = bridge_types()
    if wanted not in types:
        known = ", ".join(sorted({*types, *BUILT_IN}))
        raise reader.fault("type", name, "is not known", f"use one of: {known}")
    return types[wanted]


def _import_bridges(module: str) -> Optional[str]:
    """Import a third party's types; a sentence when that fails."""
    where = "[moonfleet] option 'bridge_modules'"
    if not MODULE_NAME.match(module):
        return one_line(f"{where}: '{module[:60]}' is no module name; write it as in an import")
    try:
        importlib.import_module(module)
    except Exception as error:
        logger.exception("moonfleet: bridge module %s cannot be imported", module)
        return one_line(
            f"{where}: '{module[:60]}' cannot be imported: {type(error).__name__}: {error};"
            " install it into Moonraker's environment"
        )
    return None


def _warn_unknown(reader: SectionReader, result: FleetConfig) -> None:
    for index, sentence in enumerate(reader.unknown()):
        result.warnings[f"{reader.section.replace(' ', '_')}_unknown_{index}"] = sentence
