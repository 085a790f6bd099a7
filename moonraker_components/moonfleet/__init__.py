# Moonfleet: every printer you own in the Mainsail or Fluidd you already use
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Moonraker component ``moonfleet``; see docs/architecture.md for the house it opens.

Nothing is imported here on purpose: the pure packages below (``core``, ``thermal``, the
``protocol`` modules) are imported by tests and tools where neither Moonraker nor aiohttp exists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from moonraker.confighelper import ConfigHelper

    from .component import Moonfleet


def load_component(config: ConfigHelper) -> Moonfleet:
    """Moonraker's entry point; the glue is imported only here."""
    from .component import Moonfleet

    return Moonfleet(config)
