# Pure core: model, states, diff, job tracker, errors, backoff
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""No I/O, no clock, no Moonraker: everything here takes its time and its data as arguments."""
