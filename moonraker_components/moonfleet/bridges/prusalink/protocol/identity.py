# Who answers: flavour, model and firmware from /api/version and /api/v1/info
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Two servers share the name PrusaLink; all that differs between them hangs on ``Flavour``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Optional

from .values import table, text


class Flavour(str, Enum):
    BUDDY = "buddy"  # the printer's own firmware: MINI, MK3.5 and later, XL, CORE One
    PYTHON = "python"  # the server on a Raspberry Pi beside a MK2.5 or MK3


#: Prusa's type number (``/api/version.printer``) -> the name on the plate
MODELS: Mapping[str, str] = {
    "1.2.5": "MK2.5",
    "1.2.6": "MK2.5S",
    "1.3.0": "MK3",
    "1.3.1": "MK3S",
    "1.3.5": "MK3.5",
    "1.3.6": "MK3.5S",
    "1.3.9": "MK3.9",
    "1.3.10": "MK3.9S",
    "1.4.0": "MK4",
    "1.4.1": "MK4S",
    "2.1.0": "MINI",
    "3.1.0": "XL",
    "4.1.0": "iX",
    "5.1.0": "XL",  # the XL developer kit
    "7.1.0": "CORE One",
}
_ORIGINAL = re.compile(r"\b(?:I3)?(MK\d(?:\.?\d)?S?\+?)(?:MMU\w*)?$", re.IGNORECASE)


@dataclass(frozen=True)
class Identity:
    """What ``/api/version`` says; ``refusal`` is why this cannot be bridged."""

    flavour: Optional[Flavour] = None
    model: Optional[str] = None
    firmware: Optional[str] = None
    refusal: Optional[str] = None


def parse_version(document: Any) -> Optional[Identity]:
    """None when the document is not one of a PrusaLink, an SL1 or an OctoPrint."""
    version = table(document)
    label, api = text(version.get("text")), text(version.get("api"))
    if label is None or api is None:
        return None
    if "SL1" in label.upper():
        return Identity(
            refusal="this is an SL1, whose PrusaLink lacks the v1 interface: "
            "remove its section, resin printers are not supported"
        )
    if not label.startswith("PrusaLink"):
        return Identity(
            refusal=f"a server that calls itself '{label[:40]}' answers, not PrusaLink: "
            "set host and port to the printer's"
        )
    original = text(version.get("original"))
    if original is not None or re.match(r"PrusaLink \d", label):
        flavour = Flavour.PYTHON
    else:
        flavour = Flavour.BUDDY
    return Identity(
        flavour=flavour,
        model=MODELS.get(text(version.get("printer")) or "") or _plate(original),
        firmware=text(version.get("firmware")),
    )


def parse_serial(document: Any) -> Optional[str]:
    """The serial number in ``/api/v1/info``."""
    return text(table(document).get("serial"))


def _plate(original: Optional[str]) -> Optional[str]:
    """``PrusaLink I3MK3S`` -> ``MK3S``, ``PrusaLink I3MK25S`` -> ``MK2.5S``."""
    found = _ORIGINAL.search(original or "")
    return found.group(1).upper().replace("MK25", "MK2.5") if found else None
