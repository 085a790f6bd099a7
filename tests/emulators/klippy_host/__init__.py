# A stand-in for the klippy host that runs the real heater_eta extra on simulated heaters
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""A small klippy without hardware, standard library only.

It imports the real ``klippy_extras/heater_eta`` as ``extras.heater_eta``, reads a printer.cfg,
regulates a simulated hotend, bed and chamber, and speaks Klipper's API-server socket, so that a
real Moonraker goes "ready" on it::

    python -m tests.emulators.klippy_host --socket PATH [--speed N] [--config FILE]
        [--gcodes DIR] [--log FILE] [--demo]

``--socket``  the unix socket for Moonraker's ``klippy_uds_address``.
``--speed N`` heater physics and print length are N times faster; clocks and protocol windows stay
              real, so an ETA of 10 s means 10 s on the wall. Up to about 8: faster hotends take
              long to settle under Klipper's fixed 0.1 C/s rule.
``--config``  a printer.cfg (default: ``default.cfg`` here: extruder, heater_bed,
              ``heater_generic chamber``, fan, virtual_sdcard, pause_resume, display_status,
              ``heater_eta``). Heaters are wired as ``heater_pin: sim:hotend`` and
              ``sensor_type: sim_hotend`` to ``[sim_plant hotend]`` sections.
``--gcodes``  Moonraker's gcodes folder (overrides ``[virtual_sdcard] path``).
``--data``    where ``config/printer.cfg`` is written and learned data is kept (a temporary folder
              unless named); give Moonraker's own data folder (its ``-d``), or Moonraker warns that
              the file is not in its config folder.
``--demo``    acts by itself: heats bed and nozzle together, prints a short job, cools, repeats.

It prints ``ready: PATH`` on stdout once the socket listens, restarts in place on RESTART and
FIRMWARE_RESTART, and ends with code 0 on SIGTERM or SIGINT.

``python -m tests.emulators.klippy_host.real --klipper DIR --socket PATH ...`` takes the same
arguments and runs a real Klipper or Kalico checkout on the same plants instead (``--speed`` then
shows as the speed factor of ``M220``). It needs a Python with klippy's requirements.
"""
