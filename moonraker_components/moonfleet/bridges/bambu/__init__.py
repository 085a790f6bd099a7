# Bambu Lab printers: MQTT over TLS
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Registers ``type: bambu``; docs/bambu.md tells what works with which printer."""

from __future__ import annotations

from typing import Optional

from ..base import BridgeType, Discovered, register_bridge_type
from . import discovery
from .bridge import DEFAULT_PORT, BambuBridge
from .options import parse
from .protocol.discovery import Found
from .trust import MODES


def _discovered(found: Found) -> Discovered:
    return Discovered(found.host, found.model, found.name, found.firmware, {"serial": found.serial})


async def _discover(seconds: float) -> list[Discovered]:
    return [_discovered(found) for found in await discovery.discover(seconds)]


async def _probe(host: str) -> Optional[Discovered]:
    found = await discovery.probe(host)
    return None if found is None else _discovered(found)


register_bridge_type(
    BridgeType(
        name="bambu",
        label="Bambu Lab",
        parse=parse,
        create=BambuBridge,
        default_port=DEFAULT_PORT,
        tls_modes=MODES,
        discover=_discover,
        probe=_probe,
    )
)
