# The record that survives everything
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``History`` keeps jobs, events and counters in Moonraker's database; docs/history.md explains."""

from .service import History

__all__ = ["History"]
