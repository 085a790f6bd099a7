# What the two PrusaLink servers say and what it means: pure, no I/O
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""See ``memory.PrinterMemory`` for the way in."""
