# get_version modules -> the model on the name plate and the firmware
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Model names are only names: what a printer can do is read from the fields it sends."""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

from .values import text

_PRODUCTS = {
    "x1-carbon": "X1 Carbon",
    "x1 carbon": "X1 Carbon",
    "x1c": "X1 Carbon",
}
_PREFIX = "bambu lab "

# project_name, or the model code of discovery
CODES = {
    "BL-P001": "X1 Carbon",
    "BL-P002": "X1",
    "C11": "P1P",
    "C12": "P1S",
    "C13": "X1E",
    "N1": "A1 mini",
    "N2S": "A1",
    "N6": "X2D",
    "N7": "P2S",
    "N9": "A2L",
    "O1C": "H2C",
    "O1C2": "H2C",
    "O1D": "H2D",
    "O1E": "H2D Pro",
    "O2D": "H2D Pro",
    "O1S": "H2S",
}
MODELS = tuple(sorted(set(CODES.values())))

# These print a constant 5 where a chamber temperature would stand.
WITHOUT_CHAMBER_SENSOR = frozenset({"A1", "A1 mini", "P1P", "P1S", "A2L"})
# They measure their chamber and cannot heat it, though they report a target of 0.
WITHOUT_CHAMBER_HEATER = frozenset({"X1", "X1 Carbon", "P2S"}) | WITHOUT_CHAMBER_SENSOR
# They take JPEG viewers on port 6000; the others speak RTSPS.
JPEG_CAMERA = frozenset({"A1", "A1 mini", "P1P", "P1S", "A2L"})

AMS_MODULES = {"ams": "AMS", "ams_f1": "AMS Lite", "n3f": "AMS 2 Pro", "n3s": "AMS HT"}
MAX_MODULES = 64


class VersionFacts(NamedTuple):
    model: Optional[str]
    firmware: Optional[str]
    ams_kinds: dict[int, str]


def plate_name(product: str) -> Optional[str]:
    """``Bambu Lab X1-Carbon`` -> ``X1 Carbon``."""
    name = product.strip()
    if name.lower().startswith(_PREFIX):
        name = name[len(_PREFIX) :].strip()
    if not name:
        return None
    return _PRODUCTS.get(name.lower(), name)


def model_from_name(name: str) -> Optional[str]:
    """The model a user or a discovery message means, or None."""
    plate = plate_name(name)
    if plate is None:
        return None
    if plate.upper() in CODES:
        return CODES[plate.upper()]
    by_letters = {"".join(m.lower().split()): m for m in MODELS}
    return by_letters.get("".join(plate.lower().replace("-", " ").split()))


def read_modules(modules: list[Any]) -> VersionFacts:
    product = project = firmware = board = None
    ams_kinds: dict[int, str] = {}
    for module in modules[:MAX_MODULES]:
        if type(module) is not dict:
            continue
        name = text(module.get("name")) or ""
        named = (text(module.get("project_name")) or "").upper()
        if named in CODES and project is None:  # boards shared by several models name their family
            project = named
        hardware = text(module.get("hw_ver")) or ""
        if name == "ota":
            firmware = text(module.get("sw_ver")) or firmware
            product = text(module.get("product_name")) or product
        elif hardware.startswith("AP0") and name != "esp32":
            board = hardware
        kind, _, number = name.partition("/")
        if kind in AMS_MODULES and number.isdecimal() and len(number) < 4:
            ams_kinds[int(number)] = AMS_MODULES[kind]
    return VersionFacts(_model(product, project, board), firmware, ams_kinds)


def _model(product: Optional[str], project: Optional[str], board: Optional[str]) -> Optional[str]:
    if product:
        return plate_name(product)
    if project:
        return CODES[project]
    # old firmware names neither product nor project
    return {"AP02": "X1E", "AP05": "X1 Carbon"}.get(board or "")
