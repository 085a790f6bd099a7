# LIST lines -> entries; names that could harm are left out
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Unix style lines, as printers and vsftpd send them.

Times are not read: a printer without internet has no clock.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Optional

from ....core.errors import CommandRejected

MAX_ENTRIES = 10_000
MAX_PATH = 400
_LINE = re.compile(
    r"^(?P<kind>[-dl])[rwxsStT-]{9}\+?\s+\d+\s+\S+\s+\S+\s+(?P<size>\d{1,15})\s+"
    r"\S+\s+\d{1,2}\s+[\d:]{4,5}\s(?P<name>.+)$"
)


class Entry(NamedTuple):
    path: str
    folder: bool
    size: Optional[int]


def safe_path(path: object) -> str:
    """``path`` below the storage's root, or a refusal."""
    if not isinstance(path, str) or len(path) > MAX_PATH:
        raise CommandRejected("the path of a file on the printer must be a text of sane length")
    parts = [part for part in path.replace("\\", "/").split("/") if part not in ("", ".")]
    if ".." in parts or not all(part.isprintable() for part in parts):
        raise CommandRejected("the path leaves the printer's storage or has control characters")
    return "/".join(parts)


def entry_of(line: str, folder: str) -> Optional[Entry]:
    match = _LINE.match(line.rstrip("\r\n"))
    if match is None or match["kind"] == "l":
        return None
    name = match["name"]
    if name in (".", "..") or "/" in name or "\\" in name or not name.isprintable():
        return None
    is_folder = match["kind"] == "d"
    return Entry(
        path=f"{folder}/{name}" if folder else name,
        folder=is_folder,
        size=None if is_folder else int(match["size"]),
    )


def parse_listing(text: str, folder: str) -> list[Entry]:
    found = []
    for line in text.splitlines()[:MAX_ENTRIES]:
        entry = entry_of(line, folder.strip("/"))
        if entry is not None:
            found.append(entry)
    return found
