# The methods that a virtual printer answers, joined into one table
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""One module per family of methods; each offers ``handlers(virtual)``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..router import Handler
from . import database, files, history, klippy, server

if TYPE_CHECKING:
    from ..printer import VirtualPrinter


def handlers_of(virtual: VirtualPrinter) -> dict[str, Handler]:
    table: dict[str, Handler] = {}
    for family in (server, klippy, files, database, history):
        table.update(family.handlers(virtual))
    return table
