# Virtual Moonraker: what Mainsail and Fluidd see of one bridged printer
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Object store, request routing and clients of the virtual printers.

Nothing here imports Moonraker: the classes that do stand in ``moonraker_adapter.py``.
"""
