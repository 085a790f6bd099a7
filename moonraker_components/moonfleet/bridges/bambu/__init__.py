# Bambu Lab printers: MQTT over TLS
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Registers ``type: bambu``; docs/bambu.md tells what works with which printer."""

from __future__ import annotations

from ..base import BridgeType, register_bridge_type
from .bridge import DEFAULT_PORT, BambuBridge
from .options import parse
from .trust import MODES

register_bridge_type(
    BridgeType(
        name="bambu",
        label="Bambu Lab",
        parse=parse,
        create=BambuBridge,
        default_port=DEFAULT_PORT,
        tls_modes=MODES,
    )
)
