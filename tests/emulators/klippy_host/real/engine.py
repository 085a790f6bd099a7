# Starts a real klippy from a shadow tree, in real or virtual time
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Klippy's own start-up loop with the clock replaced. One checkout per process."""

import gc
import importlib
import logging
import os
import pathlib
import sys
import time
import tty

from .shadow import build_shadow, is_kalico, write_dictionary

MCU_SECTION = "[mcu]\nserial: /tmp/klipper_host_simulated\n\n"


class VirtualPoll:
    """A poll() that lets virtual time pass instead of sleeping, up to the next timer."""

    def __init__(self, reactor, clock):
        self._poll = poll = reactor._poll
        self._reactor = reactor
        self._clock = clock
        self.register = poll.register
        self.unregister = poll.unregister
        self.modify = poll.modify

    def poll(self, timeout):
        ready = self._poll.poll(0)
        if not ready and timeout <= 0:
            # some timers come back at "now" and count on the clock having moved
            self._clock[0] += 1e-6
        elif not ready:
            now, due = self._clock[0], self._reactor._next_timer
            # whole milliseconds would make every wait a little longer than it was asked to be
            later = now + timeout / 1000.0
            self._clock[0] = due if now < due < later else later
        return ready


class PlainLog:
    """Stands for klippy's own log writer; with one, klippy also logs its configuration."""

    def set_rollover_info(self, name, info):
        pass

    def clear_rollover_info(self):
        pass


class Engine:
    def __init__(self, checkout, folder, virtual):
        folder = pathlib.Path(folder)
        sys.path.insert(0, str(build_shadow(checkout, folder / "shadow")))
        self.dictionary = write_dictionary(folder)
        self.virtual = virtual
        self.clock = [1000.0]
        package = "klippy." if is_kalico(checkout) else ""
        try:
            self.klippy = importlib.import_module("klippy.printer" if package else "klippy")
            self.reactor = importlib.import_module(package + "reactor")
        except ModuleNotFoundError as err:
            raise SystemExit(
                f"{sys.executable} has no {err.name}, which {checkout} needs: use a Python with"
                " klippy's requirements (in the tests: KLIPPY_PYTHON)"
            ) from None

    def make_reactor(self):
        reactor = self.reactor.PollReactor()
        if self.virtual:
            reactor.monotonic = lambda: self.clock[0]
            reactor._poll = VirtualPoll(reactor, self.clock)
        return reactor

    def start_args(self, config, **more):
        master, self._slave = os.openpty()
        os.set_blocking(master, False)
        tty.setraw(self._slave)  # no echo: answers would come back as commands
        return {
            "config_file": str(config),
            "apiserver": None,
            "apiserver_file": None,
            "start_reason": "startup",
            "gcode_fd": master,
            "debugoutput": "/dev/null",
            "dictionary": str(self.dictionary),
            "software_version": "v0.13.0-0-checkout",
            "cpu_info": "simulation",
            "git_branch": "",
            "git_remote": "",
            "log_file": None,
            **more,
        }

    def run(self, start_args, prepare):
        """Run until something asks to exit; ``prepare(printer)`` is called before each start."""
        while True:
            gc.collect()
            reactor = self.make_reactor()
            printer = self.klippy.Printer(reactor, PlainLog(), start_args)
            prepare(printer)
            result = printer.run()
            if result in ("exit", "error_exit"):
                return result
            if not self.virtual:
                time.sleep(0.5)
            reactor.finalize()
            logging.info("Restarting printer")
            start_args["start_reason"] = result


def with_mcu(text):
    """A stand-in's printer.cfg with the section that a real klippy insists on."""
    return MCU_SECTION + text
