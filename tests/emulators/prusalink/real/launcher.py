# Starts the real PrusaLink server without a network around it
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Runs in the server's own environment: ``python launcher.py -f -i -c prusalink.ini``.

Only what reaches for the network is replaced: the mDNS announcement and the probing for the own
address. And a storage folder below /tmp is allowed, since tests live there.
"""

from __future__ import annotations

import signal
import sys

import prctl
import prusa.link.const as const
import prusa.link.service_discovery as discovery


class SilentDiscovery:
    """Announces nothing."""

    def __init__(self, port: int) -> None:
        self.port = port

    def unregister(self) -> None:
        """Nothing was announced."""


prctl.set_pdeathsig(signal.SIGKILL)  # no server outlives the tests that started it
const.BLACKLISTED_PATHS.remove("/tmp")
discovery.ServiceDiscovery = SilentDiscovery

import prusa.link.printer_adapter.ip_updater as ip_updater  # noqa: E402

ip_updater.get_local_ip = lambda: "127.0.0.1"
ip_updater.get_local_ip6 = lambda: None

from prusa.link.__main__ import main  # noqa: E402

sys.exit(main())
