# Options of a [moonfleet <name>] section with type: bambu
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Reads serial, access_code and model; the common options are read for every type alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...core.errors import ConfigFault
from ..base import OptionReader
from .protocol.models import MODELS, model_from_name

FTPS_PORT = 990
CAMERA_PORT = 6000
_SERIAL = re.compile(r"^[0-9A-Z]{8,32}$")


def parse(reader: OptionReader) -> Mapping[str, Any]:
    # Topics are case-sensitive and serials upper case; people type them as they like.
    serial = reader.text("serial", required=True).strip().upper()
    if not _SERIAL.match(serial):
        raise ConfigFault(
            f"[{reader.section}] serial: ends in '{serial[-4:]}': not a serial number; it is shown "
            "on the printer's screen and consists of 15 letters and digits"
        )
    code = reader.secret("access_code", required=True)
    name = reader.text("model", "").strip()
    model = model_from_name(name) if name else None
    if name and model is None:
        raise ConfigFault(
            f"[{reader.section}] model: '{name}': not a known model; leave it out or use one of "
            + ", ".join(MODELS)
        )
    return {
        "serial": serial,
        "access_code": code,
        "model": model,
        # for printers behind forwarded ports
        "ftps_port": reader.integer("ftps_port", FTPS_PORT, 1, 65535),
        "camera_port": reader.integer("camera_port", CAMERA_PORT, 1, 65535),
    }
