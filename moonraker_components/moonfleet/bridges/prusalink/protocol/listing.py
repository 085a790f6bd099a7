# What folder listings, file entries, storages and transfers say: pure
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Buddy lists no sizes and abbreviates names; the Python server does neither."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

from ....core.model import SlicedPlate
from .values import count, number, seconds, table, text

MOST_ENTRIES = 5000
MOST_STORAGES = 50
MOST_GRAMS = 100_000.0


@dataclass(frozen=True)
class Entry:
    name: str
    folder: bool = False
    size: Optional[int] = None
    modified: Optional[int] = None
    download: Optional[str] = None
    thumbnail: Optional[str] = None
    sliced: Optional[SlicedPlate] = None  # the Python server reads it out of the file


@dataclass(frozen=True)
class Transfer:
    name: Optional[str] = None
    size: Optional[int] = None
    transferred: Optional[int] = None


@dataclass(frozen=True)
class Storage:
    """Buddy tells no sizes; the Python server only those of its own disk."""

    name: str  # usb, local, sdcard
    available: Optional[bool] = None
    read_only: Optional[bool] = None
    free: Optional[int] = None  # bytes


def parse_entry(document: Any) -> Optional[Entry]:
    entry = table(document)
    refs = table(entry.get("refs"))
    name = text(entry.get("display_name")) or text(entry.get("name"))
    if name is None or "/" in name:
        return None
    return Entry(
        name=name,
        folder=entry.get("type") == "FOLDER",
        size=count(entry.get("size")),
        modified=count(entry.get("m_timestamp")),
        download=_reference(refs.get("download")),
        thumbnail=_reference(refs.get("thumbnail")),
        sliced=_sliced(entry.get("meta")),
    )


def _sliced(said: Any) -> Optional[SlicedPlate]:
    """Grams are a number, or none where several extruders share the print."""
    meta = table(said)
    weight = number(meta.get("filament used [g]"), 0.0, MOST_GRAMS)
    length = seconds(meta.get("estimated_print_time"))
    material = text(meta.get("filament_type"))
    if weight is None and length is None and material is None:
        return None
    return SlicedPlate(1, length, weight or None, materials=() if material is None else (material,))


def parse_listing(document: Any) -> Optional[list[Entry]]:
    """None when the document is no folder."""
    children = table(document).get("children")
    if not isinstance(children, list):
        return None
    entries = [parse_entry(child) for child in children[:MOST_ENTRIES]]
    return [entry for entry in entries if entry is not None]


def parse_storages(document: Any) -> tuple[Storage, ...]:
    """``/api/v1/storage``, or a status: there one object on Buddy, a list on Python."""
    said = table(document).get("storage_list", table(document).get("storage"))
    found = []
    for value in said[:MOST_STORAGES] if isinstance(said, list) else [said]:
        entry = table(value)
        name = (text(entry.get("path")) or "").strip("/")
        if name:
            storage = Storage(
                name=name,
                available=_truth(entry.get("available")),
                read_only=_truth(entry.get("read_only")),
                free=count(entry.get("free_space")),
            )
            found.append(storage)
    return tuple(found)


def parse_transfer(document: Any) -> Optional[Transfer]:
    """``/api/v1/transfer``; Buddy writes the size as text."""
    transfer = table(document)
    if "progress" not in transfer and "transferred" not in transfer:
        return None
    return Transfer(
        name=text(transfer.get("display_name")),
        size=count(transfer.get("size")),
        transferred=count(transfer.get("transferred")),
    )


def _truth(value: Any) -> Optional[bool]:
    return value if isinstance(value, bool) else None


def _reference(value: Any) -> Optional[str]:
    """A path on the printer itself, nothing that leads elsewhere."""
    path = text(value)
    if path is None or not path.startswith("/") or path.startswith("//") or ".." in path:
        return None
    return path
