# Sections of moonraker.conf for emulated printers
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""What a person would write, with the credentials in moonraker.secrets."""

from __future__ import annotations

from collections.abc import Mapping

from tests.emulators.bambu import EmulatedBambu
from tests.emulators.prusalink import EmulatedPrusaLink

ACCESS_CODE = "87654321"
PASSWORD = "correct-horse-battery"
SECRETS: Mapping[str, Mapping[str, str]] = {
    "x1c": {"access_code": ACCESS_CODE},
    "mk4": {"password": PASSWORD},
}


def bambu(printer: EmulatedBambu, name: str = "x1c", **more: object) -> str:
    options = {
        "type": "bambu",
        "host": printer.host,
        "port": printer.port,
        "serial": printer.serial,
        "access_code": "{secrets.x1c.access_code}",
        **more,
    }
    return section(name, options)


def prusa(printer: EmulatedPrusaLink, name: str = "mk4", **more: object) -> str:
    options = {
        "type": "prusalink",
        "host": printer.host,
        "port": printer.port,
        "password": "{secrets.mk4.password}",
        **more,
    }
    return section(name, options)


def section(name: str, options: Mapping[str, object]) -> str:
    lines = [f"{option}: {value}" for option, value in options.items() if value is not None]
    return "\n".join(["", f"[moonfleet {name}]", *lines, ""])
