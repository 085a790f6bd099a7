# Runs a real Klipper or Kalico checkout on the simulated heaters
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The checkout stays as it is: a shadow tree of links adds the extra and the plants.

The host runs in klippy's own file-output mode (no micro-controller); the ``sim_plant`` extra gives
it back what that mode takes away: a moving print time, statistics, waiting commands.
"""
