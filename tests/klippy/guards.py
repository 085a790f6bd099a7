# Scenarios: errors of our own, at every place where klippy calls us
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Run inside the host; see `lab`. An uncaught exception in a timer would shut the printer down."""

import logging

from .basics import CONFIG, check_status


class Listener(logging.Handler):
    """Keeps our complaints, as they would stand in klippy.log."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        text = record.getMessage()
        if text.startswith("heater_eta:"):
            self.lines.append(text)

    def __enter__(self):
        logging.getLogger().addHandler(self)
        return self

    def __exit__(self, *exc):
        logging.getLogger().removeHandler(self)


def _boom(*args):
    raise ValueError("an error of ours")


def _sampling(lab):
    """One heater cannot be followed: the others are, and the log says so once."""
    hub = lab.printer.lookup_object("heater_eta")
    first, *_, last = hub.monitors
    lab.gcode(f"SET_HEATER_TEMPERATURE HEATER={last} TARGET=60")
    lab.wait(3.0)
    with Listener() as log:
        hub.monitors[first].sample = _boom
        before = lab.eta(last)
        lab.wait(20.0)
        check_status(lab.eta(first))
        lab.data.update(first=lab.eta(first), before=before, after=lab.eta(last))
        lab.data["log"] = list(log.lines)
    del hub.monitors[first].sample
    lab.wait(5.0)
    lab.data.update(healed=lab.eta(first), state=lab.state()["state"])


sampling = CONFIG, [_sampling]


def _timer(lab):
    """The timer's body fails as a whole, for a while."""
    hub = lab.printer.lookup_object("heater_eta")
    lab.gcode("M104 S200")
    with Listener() as log:
        hub._sample_all = _boom
        lab.wait(20.0)
        lab.data["log"] = list(log.lines)
    lab.data["state"] = lab.state()["state"]
    del hub._sample_all
    lab.wait(5.0)
    lab.data["healed"] = lab.eta()


timer = CONFIG, [_timer]


def _commands(lab):
    """A command and an endpoint of ours fail: klippy would shut down on anything but its error."""
    hub = lab.printer.lookup_object("heater_eta")
    lab.gcode("M140 S60")
    with Listener() as log:
        for monitor in hub.monitors.values():
            monitor.get_status = _boom
        lab.data["refused"] = lab.refused("HEATER_ETA")
        lab.data["wait"] = lab.refused("HEATER_ETA_WAIT HEATER=heater_bed")
        for monitor in hub.monitors.values():
            del monitor.get_status
        hub.preheat.cancel = _boom
        lab.endpoint("heater_eta/cancel")
        del hub.preheat.cancel
        lab.data["log"] = [line for line in log.lines if "timer" not in line]
    lab.data["state"] = lab.state()["state"]
    lab.data["healed"] = lab.gcode("HEATER_ETA")


commands = CONFIG, [_commands]
