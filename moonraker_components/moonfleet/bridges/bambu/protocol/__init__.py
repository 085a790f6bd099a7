# The pure half of the Bambu bridge: bytes in, snapshots out
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""No I/O, no clock, no Moonraker. ``PrinterReports`` is the one object a transport needs."""

from __future__ import annotations

from .message import Answer, Report, Version, parse
from .reports import PrinterReports

__all__ = ["Answer", "PrinterReports", "Report", "Version", "parse"]
