# 3MF files: thumbnail and slicer metadata, from an archive nobody vouches for
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Reads two small members of a sliced project, within limits that hold off a zip bomb."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass, field
from typing import IO, Optional

from ....core.model import SlicedPlate
from .values import integer, number

MAX_MEMBERS = 4000
MAX_IMAGE = 4 * 1024 * 1024
MAX_CONFIG = 2 * 1024 * 1024
MAX_OBJECTS = 1000
MAX_PLATES = 100
_CONFIG = "Metadata/slice_info.config"
_PLATE = re.compile(r"^Metadata/plate_(\d{1,3})\.gcode$")
_PNG = b"\x89PNG\r\n\x1a\n"
# Not an XML parser: entity expansion is not for untrusted files, and attributes are all we need.
_TAG = re.compile(r"<(plate|/plate|metadata|filament|object)\b([^<>]{0,2000})>")
_ATTRIBUTE = re.compile(r'(\w+)="([^"<>]{0,500})"')


@dataclass
class _Plate:
    """A ``SlicedPlate`` in the making."""

    index: int
    print_time: Optional[float] = None
    weight: Optional[float] = None
    filament_length: Optional[float] = None
    materials: list[str] = field(default_factory=list)
    objects: dict[int, str] = field(default_factory=dict)

    def done(self) -> SlicedPlate:
        return SlicedPlate(
            self.index,
            self.print_time,
            self.weight,
            self.filament_length,
            tuple(self.materials),
            self.objects,
        )


def _member(archive: zipfile.ZipFile, name: str, limit: int) -> Optional[bytes]:
    try:
        info = archive.getinfo(name)
        if info.file_size > limit or info.flag_bits & 0x1:
            return None
        with archive.open(info) as stream:
            data = stream.read(limit + 1)  # the header may lie about the size
    except (KeyError, OSError, ValueError, RuntimeError, EOFError, NotImplementedError):
        return None
    except zipfile.BadZipFile:
        return None
    except Exception:  # zlib.error and lzma.LZMAError have no base in common but this
        return None
    return data if len(data) <= limit else None


def _open(file: IO[bytes]) -> Optional[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError):
        return None
    return archive if len(archive.infolist()) <= MAX_MEMBERS else None


def _sliced(archive: zipfile.ZipFile) -> int:
    """The first plate that can be printed: a project shows all of its plates, sliced or not."""
    found = (_PLATE.match(name) for name in archive.namelist())
    return min((int(match[1]) for match in found if match), default=1)


def thumbnail(file: IO[bytes], plate: Optional[int] = None) -> Optional[bytes]:
    """The PNG of a plate, or of the first one that is sliced."""
    archive = _open(file)
    if archive is None:
        return None
    plate = _sliced(archive) if plate is None else plate
    for name in (f"Metadata/plate_{plate}.png", f"Metadata/plate_{plate}_small.png"):
        image = _member(archive, name, MAX_IMAGE)
        if image is not None and image.startswith(_PNG):
            return image
    return None


def plates(file: IO[bytes]) -> list[SlicedPlate]:
    """What the slicer wrote about each plate."""
    archive = _open(file)
    config = None if archive is None else _member(archive, _CONFIG, MAX_CONFIG)
    if config is None:
        return []
    found: list[_Plate] = []
    current: Optional[_Plate] = None
    for tag, rest in _TAG.findall(config.decode("utf-8", "replace")):
        attributes = dict(_ATTRIBUTE.findall(rest))
        if tag == "plate" and len(found) >= MAX_PLATES:
            break
        if tag == "plate":
            current = _Plate(len(found) + 1)
            found.append(current)
        elif tag == "/plate":
            current = None
        elif current is not None:
            _read(current, tag, attributes)
    return [plate.done() for plate in found]


def _read(plate: _Plate, tag: str, attributes: dict[str, str]) -> None:
    if tag == "metadata":
        key, value = attributes.get("key"), number(attributes.get("value"))
        if value is None or value < 0:
            return
        if key == "index":
            plate.index = int(value)
        elif key == "prediction":
            plate.print_time = value
        elif key == "weight":
            plate.weight = value
    elif tag == "filament":
        metres = number(attributes.get("used_m"))
        if metres is not None and metres >= 0:
            plate.filament_length = (plate.filament_length or 0.0) + metres * 1000.0
        material = attributes.get("type")
        if material and len(plate.materials) < 64:
            plate.materials.append(material[:32])
    elif len(plate.objects) < MAX_OBJECTS:
        identity = integer(attributes.get("identify_id"))
        if identity is not None:
            plate.objects[identity] = attributes.get("name", "")[:255]
