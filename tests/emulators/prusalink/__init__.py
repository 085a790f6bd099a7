# An emulated PrusaLink printer, both flavours, with faults to switch on
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Use in a test or in the demo::

    printer = EmulatedPrusaLink(flavour="buddy", model="MK4S", password="secret", speed=20)
    await printer.start()            # listens on 127.0.0.1, printer.port
    ...
    await printer.stop()

or as a process: ``python -m tests.emulators.prusalink --port 8081 --flavour python --speed 20``
(prints one line ``ready host=127.0.0.1 port=8081 ...`` when it listens, stops on SIGINT/SIGTERM).

``flavour``     "buddy" (the printer's own firmware) or "python" (the server beside a MK3)
``model``       name on the plate; "buddy": MINI, MK3.5, MK3.9, MK4, MK4S, XL, CORE One; "python":
                MK2.5, MK2.5S, MK3, MK3S
``user``        Python flavour only; Buddy answers to "maker" whatever is sent
``password``    of the digest; ``api_key`` (default: the password) for X-Api-Key
``speed``       scales heater physics and the length of prints, nothing else: windows, nonces and
                the seconds it reports are real
``print_seconds``  length of the sample print at speed 1
``autopilot``   True: prints, pauses, finishes, cools and starts again by itself
``faults``      a ``Faults``, changeable while it runs
``clients``     how many bridges will talk to it (1). Leaving ``async with`` raises when it saw more
                than two connections or more than one request besides a stream of each; None
                lets anybody do anything
``printer.machine``  the printer itself: ``start_print(name)``, ``pause()``, ``resume()``,
                ``stop()``, ``finish()``, ``attention(on)``, ``busy(on)``, ``fail(text)``,
                ``reboot()``, ``dismiss()``
``printer.stats``  connections, requests and refused credentials, for assertions
"""

from __future__ import annotations

from .faults import Faults
from .machine import Machine
from .server import EmulatedPrusaLink

__all__ = ["EmulatedPrusaLink", "Faults", "Machine"]
