# What heater_eta costs klippy: get_status and the body of its timer
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``python -m tests.bench.eta_status``: the real extra in the stand-in host, in virtual time.

CPU time of the thread, never wall time. Prints each figure beside its limit; exit 1 on a miss.
"""

from __future__ import annotations

import pathlib
import sys
import tempfile
import time
from typing import Any

from tests.emulators.klippy_host.printer import Printer, default_start_args
from tests.emulators.klippy_host.reactor import Reactor, VirtualClock

DEFAULT = pathlib.Path(__file__).parents[1] / "emulators" / "klippy_host" / "default.cfg"
SECOND = """
[sim_plant second]
gain: 4.0
loss: 0.006

"""
EXTRUDER1 = """
[extruder1]
nozzle_diameter: 0.400
filament_diameter: 1.750
heater_pin: sim:second
sensor_type: sim_second
control: pid
pid_Kp: 22.2
pid_Ki: 1.08
pid_Kd: 114
min_temp: 0
max_temp: 280
"""
ALL_ON = "M104 S220\nM104 T1 S220\nM140 S100\nSET_HEATER_TEMPERATURE HEATER=chamber TARGET=60"
#: name, what is measured, limit, unit
LIMITS = {
    "heating": ("4 heaters heating, timer at 4 Hz", 0.2, "% of a core"),
    "holding": ("4 heaters holding", 0.05, "% of a core"),
    "longest": ("longest timer body, learning included", 1000.0, "us"),
    "get_status": ("cached get_status", 1.0, "us"),
}


class Meter:
    """Measures every call of the hub's timer."""

    def __init__(self, hub: Any) -> None:
        self.body = hub._sample_all
        hub._sample_all = self
        self.reset()

    def reset(self) -> None:
        self.spent = 0.0
        self.calls = 0
        self.times: list[float] = []

    def __call__(self, eventtime: float) -> None:
        before = time.thread_time()
        self.body(eventtime)
        spent = time.thread_time() - before
        self.spent += spent
        self.calls += 1
        self.times.append(spent)

    def share(self) -> float:
        return 100.0 * self.spent / (self.calls * 0.25)


def measure(printer: Printer, figures: dict[str, float]) -> None:
    reactor = printer.get_reactor()
    hub = printer.lookup_object("heater_eta")
    gcode = printer.lookup_object("gcode")
    meter = Meter(hub)

    def wait(seconds: float) -> None:
        reactor.pause(reactor.monotonic() + seconds)

    def cycle() -> None:
        gcode.run_script(ALL_ON)
        wait(400.0)
        gcode.run_script("TURN_OFF_HEATERS")
        wait(1400.0)

    wait(10.0)
    cycle()  # something learned, as on a printer in use
    meter.reset()
    gcode.run_script(ALL_ON)
    wait(50.0)
    figures["heating"] = meter.share()
    longest = max(meter.times)
    wait(600.0)  # ready, and the end of the episodes
    longest = max(longest, *meter.times)
    meter.reset()
    wait(600.0)
    figures["holding"] = meter.share()
    figures["longest"] = 1e6 * max(longest, *meter.times)
    status = printer.lookup_object("heater_eta extruder").get_status
    before = time.thread_time()
    for _ in range(200000):
        status(0.0)
    figures["get_status"] = (time.thread_time() - before) / 200000 * 1e6


def run() -> dict[str, float]:
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="eta_status_") as folder:
        config = pathlib.Path(folder) / "printer.cfg"
        text = SECOND + DEFAULT.read_text(encoding="utf-8") + EXTRUDER1
        config.write_text(text.replace("~/printer_data/gcodes", folder), encoding="utf-8")
        printer = Printer(Reactor(VirtualClock()), default_start_args(str(config)))

        def begin(eventtime: float) -> None:
            measure(printer, figures)
            printer.request_exit("exit")

        printer.register_event_handler(
            "klippy:ready", lambda: printer.get_reactor().register_callback(begin)
        )
        printer.run()
    return figures


def main() -> int:
    figures = run()
    missed = False
    for name, (text, limit, unit) in LIMITS.items():
        value = figures.get(name)
        good = value is not None and value <= limit
        missed = missed or not good
        shown = "none" if value is None else f"{value:.3f}"
        print(f"{'ok  ' if good else 'MISS'}  {text}: {shown} {unit} (limit {limit:g})")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
