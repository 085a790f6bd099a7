# The printer's storage: files by their long path, folders, short names
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Contents above a megabyte are counted and hashed, not kept."""

from __future__ import annotations

import hashlib
import re
import struct
import time
import zlib
from dataclasses import dataclass, field
from typing import Optional

KEEP = 1 << 20


@dataclass
class StoredFile:
    path: str  # below the storage's root, long names
    size: int = 0
    modified: int = 0
    content: bytes = b""
    digest: str = ""
    share: float = 1.0  # of the sample print's length
    thumbnail: bool = True

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    @property
    def folder(self) -> str:
        return self.path.rpartition("/")[0]

    @property
    def short(self) -> str:
        """8.3, as FAT has it."""
        return short_name(self.name)

    @property
    def short_path(self) -> str:
        return "/".join(short_name(part) for part in self.path.split("/"))


@dataclass
class Incoming:
    """A file while it is uploaded."""

    path: str
    size: int
    started: float = field(default_factory=time.monotonic)
    received: int = 0
    content: bytearray = field(default_factory=bytearray)
    hash: object = field(default_factory=hashlib.sha256)

    def take(self, chunk: bytes) -> None:
        self.received += len(chunk)
        self.hash.update(chunk)  # type: ignore[attr-defined]
        if self.size <= KEEP:
            self.content += chunk

    def finish(self) -> StoredFile:
        return StoredFile(
            self.path,
            self.received,
            int(time.time()),
            bytes(self.content),
            self.hash.hexdigest(),  # type: ignore[attr-defined]
        )


def short_name(name: str) -> str:
    stem, dot, extension = name.rpartition(".")
    if not dot:
        stem, extension = name, ""
    if len(stem) <= 8 and len(extension) <= 3 and " " not in name:
        return name.upper() if dot else name
    plain = re.sub(r"[^A-Za-z0-9()_-]", "", stem).upper() or "FILE"
    mark = zlib.crc32(name.encode()) % 9 + 1
    return f"{plain[:6]}~{mark}" + (f".{extension[:3].upper()}" if dot else "")


class Storage:
    def __init__(self) -> None:
        self.files: dict[str, StoredFile] = {}
        self.folders: set[str] = {""}

    def add(self, file: StoredFile) -> StoredFile:
        self.files[file.path] = file
        parts = file.folder.split("/") if file.folder else []
        for end in range(1, len(parts) + 1):
            self.folders.add("/".join(parts[:end]))
        return file

    def find(self, path: str) -> Optional[StoredFile]:
        """By long path, or by short names as Buddy hands them out."""
        wanted = path.strip("/")
        if wanted in self.files:
            return self.files[wanted]
        for file in self.files.values():
            if file.short_path == wanted:
                return file
        return None

    def children(self, folder: str) -> tuple[list[StoredFile], list[str]]:
        files = [file for file in self.files.values() if file.folder == folder]
        folders = [
            name
            for name in sorted(self.folders)
            if name and name.rpartition("/")[0] == folder and name != folder
        ]
        return sorted(files, key=lambda file: file.path), folders


def sample_gcode(name: str) -> bytes:
    lines = [f"; {name}", "M73 P0 R30", "M104 S215", "M140 S60", "G28"]
    lines += [f"G1 X{i % 200} Y{i // 2 % 200} E{i * 0.05:.2f}" for i in range(400)]
    return "\n".join([*lines, "; estimated printing time (normal mode) = 30m 0s", ""]).encode()


def png(side: int) -> bytes:
    """A small square that any viewer opens."""
    row = b"\0" + b"\xfa\x68\x31" * side

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(row * side))
        + chunk(b"IEND", b"")
    )
