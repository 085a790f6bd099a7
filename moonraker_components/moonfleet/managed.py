# Printers that are added, changed and removed without a restart
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Like Moonraker's webcams: what is not in moonraker.conf may live in the database.

The whole section is kept in a closed namespace; credentials are written and never read out.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Mapping
from typing import Any, Callable, Optional

from .bridges.base import (
    BridgeHost,
    BridgeType,
    Connection,
    Discovered,
    Link,
    PrinterSettings,
    bridge_types,
)
from .config import BUILT_IN, bridge_type_of, import_built_in
from .core.errors import ConfigFault, MoonfleetError, one_line
from .core.model import PrinterSnapshot
from .fleet import LOCAL, Fleet
from .options import COMMON, SectionReader, check_name, read_printer

logger = logging.getLogger("moonfleet")
PLACE = ("@printers", "sections")  # no printer can have this name
TEST_TIME = 20.0  # s until a test gives its answer
PROBE_TIME = 10.0
PENDING = (Link.CONNECTING, Link.DISABLED)
# whoever answers to these gets the credentials; a type's own options may aim as well
AIM = frozenset({"type", "host", "port", "tls", "ca_file"})
HARMLESS = frozenset(option.name for option in COMMON) - AIM


class ManagedPrinters:
    def __init__(self, fleet: Fleet, removed: Callable[[], Awaitable[None]]) -> None:
        self._fleet = fleet
        self._removed = removed
        self._sections: dict[str, dict[str, str]] = {}
        self._lock = asyncio.Lock()  # one change at a time

    async def load(self) -> None:
        """Before the fleet starts; one that cannot be used any more is shown with the reason."""
        text = await self._fleet.store.load_text(*PLACE)
        try:
            stored = json.loads(text) if text else {}
        except (ValueError, RecursionError):
            logger.warning("moonfleet: the stored printers cannot be read")
            return
        for name, values in stored.items() if isinstance(stored, dict) else ():
            if not isinstance(values, dict) or name in self._fleet.names():
                continue  # moonraker.conf has taken the name over
            self._sections[name] = {str(key): str(value) for key, value in values.items()}
            try:
                settings, bridge_type = self._read(name, self._sections[name])
            except MoonfleetError as error:
                shown = PrinterSettings(name, values.get("type", "unknown"), name)
                self._fleet.add_broken(shown, str(error))
                self._fleet.printer(name).managed = True
            else:
                self._fleet.admit(settings, bridge_type.create)

    async def add(self, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        async with self._lock:
            check_name(f"moonfleet {name}", name)
            if name.lower() in (known.lower() for known in self._fleet.names()):
                raise ConfigFault(f"name: '{name}' is taken; use another, or update that printer")
            values = await self._complete(_texts(given))
            settings, bridge_type = self._read(name, values)
            await self._store({**self._sections, name: values})
            await self._fleet.join(settings, bridge_type.create, managed=True)
            return self._fleet.printer(name).to_json()

    async def update(self, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Options that are given replace those that are stored; an empty one is taken out."""
        async with self._lock:
            known = self._managed(name)
            texts = _texts(given)
            values = {key: value for key, value in {**known, **texts}.items() if value}
            settings, bridge_type = self._read(name, values)
            _check_credentials(name, bridge_type, known, values, texts)
            await self._store({**self._sections, name: values})
            await self._fleet.leave(name)
            await self._fleet.join(settings, bridge_type.create, managed=True)
            return self._fleet.printer(name).to_json()

    async def remove(self, name: str) -> dict[str, Any]:
        """Its history stays."""
        async with self._lock:
            self._managed(name)
            await self._store({key: v for key, v in self._sections.items() if key != name})
            await self._fleet.leave(name)
            await self._removed()
            return {"removed": name}

    async def test(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Connect as these options say, look, and hang up; nothing is stored."""
        values = await self._complete(_texts(given))
        settings, bridge_type = self._read("test", values)
        host = _TestHost(self._fleet)
        bridge = bridge_type.create(settings, host)
        try:
            await bridge.start()
            await asyncio.wait_for(host.settled.wait(), TEST_TIME)
        except asyncio.TimeoutError:
            pass  # the connection says how far it came
        finally:
            await bridge.stop()
        connection = host.connection
        return {
            "ok": connection.state is Link.ONLINE,
            "connection": connection.to_json(),
            "model": host.snapshot.model,
            "firmware": host.snapshot.firmware,
        }

    async def discover(self, seconds: float) -> dict[str, Any]:
        """What makes itself known in the network, asked without credentials."""
        for name in BUILT_IN:
            try:
                import_built_in(name)
            except ImportError as error:
                logger.info("moonfleet: %s printers cannot be looked for: %s", name, error)
        types = [kind for kind in bridge_types().values() if kind.discover is not None]
        found = await asyncio.gather(*(_discover(kind, seconds) for kind in types))
        known = [printer.settings for printer in self._fleet.printers()]
        return {
            "printers": [
                {
                    "type": kind.name,
                    "host": one.host,
                    "port": one.options.get("port", kind.default_port),
                    "name": one.name,
                    "model": one.model,
                    "firmware": one.firmware,
                    "known": any(_is(one, settings) for settings in known),
                }
                for kind, some in zip(types, found)
                for one in some
            ]
        }

    # ---- inside -----------------------------------------------------------------------------

    def _managed(self, name: str) -> dict[str, str]:
        printer = self._fleet.printer(name)
        if name not in self._sections:
            where = "joins by itself" if name == LOCAL else "is in moonraker.conf; change it there"
            raise ConfigFault(f"printer: '{printer.name}' {where}")
        return self._sections[name]

    def _read(self, name: str, values: Mapping[str, str]) -> tuple[PrinterSettings, BridgeType]:
        reader = SectionReader(f"moonfleet {name}", values)
        bridge_type = bridge_type_of(reader)
        settings = read_printer(reader, name, bridge_type)
        for sentence in reader.unknown():
            raise ConfigFault(sentence)
        others = (p for p in self._fleet.printers() if p.name != name)
        if settings.virtual_port and settings.virtual_port in (
            other.settings.virtual_port for other in others
        ):
            raise reader.fault("virtual_port", str(settings.virtual_port), "is used", "use another")
        return settings, bridge_type

    async def _complete(self, values: dict[str, str]) -> dict[str, str]:
        """What the printer tells about itself without credentials need not be typed."""
        bridge_type = bridge_type_of(SectionReader("moonfleet", values))
        host = values.get("host")
        if bridge_type.probe is None or not host:
            return values
        try:
            found = await asyncio.wait_for(bridge_type.probe(host), PROBE_TIME)
        except Exception as error:
            logger.debug("moonfleet: probing failed: %s", type(error).__name__)
            return values
        if found is None:
            return values
        return {**{key: str(value) for key, value in found.options.items()}, **values}

    async def _store(self, sections: dict[str, dict[str, str]]) -> None:
        await self._fleet.store.store_text(*PLACE, json.dumps(sections))
        self._sections = sections


class _TestHost(BridgeHost):
    """A bridge on trial: nothing of it reaches the fleet, nothing is remembered."""

    def __init__(self, fleet: Fleet) -> None:
        self.logger = logging.getLogger("moonfleet.test")
        self.connection = Connection()
        self.snapshot = PrinterSnapshot()
        self.settled = asyncio.Event()
        self._clock = fleet.clock

    def now(self) -> float:
        return self._clock()

    def on_snapshot(self, snapshot: PrinterSnapshot) -> None:
        self.snapshot = snapshot
        if snapshot.state is not None and self.connection.state is Link.ONLINE:
            self.settled.set()

    def on_connection(self, connection: Connection) -> None:
        self.connection = connection
        known = connection.state is Link.ONLINE and self.snapshot.state is not None
        if known or connection.state not in (*PENDING, Link.ONLINE):
            self.settled.set()

    async def load(self, key: str) -> Optional[str]:
        return None

    async def store(self, key: str, value: Optional[str]) -> None:
        """A pin that is seen here is not trusted later."""


async def _discover(kind: BridgeType, seconds: float) -> list[Discovered]:
    assert kind.discover is not None
    try:
        return list(await asyncio.wait_for(kind.discover(seconds), seconds + PROBE_TIME))
    except Exception as error:
        logger.info("moonfleet: looking for %s failed: %s", kind.name, type(error).__name__)
        return []


def _is(found: Discovered, settings: PrinterSettings) -> bool:
    """Several servers may share a host; those tell their ports."""
    return found.host == settings.host and found.options.get("port", settings.port) == settings.port


def _check_credentials(
    name: str,
    bridge_type: BridgeType,
    known: Mapping[str, str],
    values: Mapping[str, str],
    given: Mapping[str, str],
) -> None:
    """Stored credentials are never read out, so they are not sent to a new address either."""
    reader = SectionReader(f"moonfleet {name}", values)
    bridge_type.parse(reader)
    ignored = HARMLESS.union(reader.credentials)
    aimed = [key for key in sorted(known.keys() | values.keys()) if key not in ignored]
    aimed = [key for key in aimed if known.get(key) != values.get(key)]
    kept = [option for option in reader.credentials if option not in given]
    if aimed and kept:
        remedy = "give it again with the new value"
        raise reader.fault(kept[0], None, f"would go elsewhere with another '{aimed[0]}'", remedy)


def _texts(given: Mapping[str, Any]) -> dict[str, str]:
    """Options as they would stand in a file."""
    values: dict[str, str] = {}
    for key, value in given.items():
        if isinstance(value, (dict, list)) or value is None:
            raise ConfigFault(one_line(f"{str(key)[:40]}: must be a text or a number"))
        text = str(value)
        if len(text) > 2000 or any(ord(c) < 32 and c != "\n" for c in text):
            raise ConfigFault(one_line(f"{str(key)[:40]}: holds what no option can hold"))
        values[str(key)[:40].lower()] = text
    return values
