# An emulated Bambu Lab printer: MQTT over TLS, with a body that heats, prints and fails
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""A printer to test against, and to try the product without one.

From Python::

    async with EmulatedBambu(model="P1S", serial="01P00A000000001", access_code="12345678") as p:
        p.port                      # the port it really listens on (port=0 picks a free one)
        p.write_ca(path)            # its CA as PEM, for tls: verify
        p.start_job("benchy.3mf")   # as if somebody had pressed print on its screen
        p.requests                  # every request received: [(group, body), ...]
        p.faults.developer_mode = False
        p.ftps.port, p.ftps.storage # its storage over FTPS; options ftps_port of the bridge
        p.camera.port               # JPEG camera of A1, P1 and A2L (None on the others)
        await p.reboot(2.0)

or with ``start()`` and ``stop()``. ``auto=True`` prints one job after another by itself, and pauses
every second one.

From a shell::

    python -m tests.emulators.bambu --port 8883 --model X1C --serial 00M00A000000001 \\
        --access-code 12345678 [--speed 10] [--auto] [--fault no_acks ...]

``speed`` scales the physics (heating, cooling) and the length of a print; reports, answers and all
other windows of the protocol keep real time. Models: see ``MODELS``. It refuses what a real printer
refuses: a wrong access code, a start while busy, a pause while idle, commands without developer
mode, subscriptions to other printers. Certificates are made at start and never written to the
project.
"""

from __future__ import annotations

from .faults import Faults
from .models import MODELS
from .printer import EmulatedBambu

__all__ = ["MODELS", "EmulatedBambu", "Faults"]
