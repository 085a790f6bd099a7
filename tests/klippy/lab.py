# Runs a scenario inside a klippy host in virtual time: the stand-in or a real checkout
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""A scenario is a list of functions that take a `Lab`; each start of the printer runs the next one.

They run on the printer's own reactor, so that one text serves both hosts. Results are JSON.
"""

import importlib
import json
import logging
import pathlib
import subprocess
import sys
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIMIT = 40000.0  # virtual seconds after which a scenario has failed
SETTLE = 5.0  # seconds after klippy:ready at which a phase begins


class Lab:
    def __init__(self, printer, data, folder):
        self.printer = printer
        self.data = data
        self.folder = pathlib.Path(folder)
        self.reactor = printer.get_reactor()
        self.said = []
        self.zero = 0.0
        self.real = not hasattr(printer, "plants")

    # -- time
    def now(self):
        return self.reactor.monotonic() - self.zero

    def wait(self, seconds):
        self.reactor.pause(self.reactor.monotonic() + seconds)

    def until(self, condition, limit=3600.0, step=0.25):
        """Wait for ``condition``; returns the seconds it took, or fails."""
        start = self.now()
        while not condition():
            if self.now() - start > limit:
                raise AssertionError(f"not within {limit} s: {self.everything()}")
            self.wait(step)
        return self.now() - start

    @staticmethod
    def on_disk(condition, limit=20.0):
        """Wait in real time, which is where threads and disks live."""
        end = time.monotonic() + limit
        while not condition():
            if time.monotonic() > end:
                raise AssertionError("not on disk in time")
            time.sleep(0.01)

    def every(self, seconds, action):
        """Call ``action`` regularly until it returns True."""

        def tick(eventtime):
            return self.reactor.NEVER if action() else eventtime + seconds

        self.reactor.register_timer(tick, self.reactor.monotonic() + seconds)

    # -- the printer
    def gcode(self, script):
        """Run as a client does; returns what was said meanwhile."""
        before = len(self.said)
        self.printer.lookup_object("gcode").run_script(script)
        return self.said[before:]

    def refused(self, script):
        """The error message of a script that must fail."""
        try:
            self.gcode(script)
        except self.printer.command_error as err:
            return str(err)
        raise AssertionError(f"{script} was not refused")

    def timed(self, script):
        start = self.now()
        self.gcode(script)
        return self.now() - start

    def later(self, seconds, action):
        self.reactor.register_callback(
            lambda eventtime: action(), self.reactor.monotonic() + seconds
        )

    def background(self, script):
        """Run a script in a greenlet of its own; returns a list that gets its end time."""
        done = []

        def run():
            try:
                self.gcode(script)
                done.append(self.now())
            except self.printer.command_error as err:
                done.append(str(err))

        self.later(0.0, run)
        return done

    def endpoint(self, path):
        """Call an endpoint as a client of the API socket would."""
        self.printer.lookup_object("webhooks")._endpoints[path](None)

    def status(self, name):
        return self.printer.lookup_object(name).get_status(self.reactor.monotonic())

    def eta(self, heater="extruder"):
        return self.status(f"heater_eta {heater}")

    def heater(self, name="extruder"):
        return self.printer.lookup_object("heaters").heaters[name]

    def heater_or_fan(self, name):
        return self.printer.lookup_object("heater_eta").monitors[name].heater

    def sensor(self, plant="hotend"):
        return self.printer.lookup_object(f"sim_plant {plant}")

    def state(self):
        message, state = self.printer.get_state_message()
        return {"state": state, "message": message}

    def everything(self):
        return {
            name: obj.get_status(self.reactor.monotonic())
            for name, obj in self.printer.lookup_objects("heater_eta")
        }

    def preset(self, **temps):
        """Begin with plants that are warm already."""
        for name, temp in temps.items():
            plant = self.sensor(name).plant
            plant.block = plant.mass = plant.sensor = temp


def load(name):
    """``module:function`` -> (configuration text, phases)."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(f"tests.klippy.{module}"), attribute)


class Script:
    """Attaches the next phase to every printer that starts."""

    def __init__(self, phases, folder):
        self.phases = list(phases)
        self.folder = folder
        self.data = {}

    def note_complaints(self, printer):
        """Errors of the extra that it has swallowed: the printer goes on, a test must not."""
        hub = printer.lookup_object("heater_eta", None)
        complaints = sorted(hub._complaints) if hub is not None else []
        self.data["complaints"] = self.data.get("complaints", []) + complaints

    def prepare(self, printer):
        lab = Lab(printer, self.data, self.folder)
        ready = []
        printer.register_event_handler(
            "klippy:ready", lambda: ready.append(printer.get_reactor().monotonic())
        )
        printer.lookup_object("gcode").register_output_handler(lab.said.append)

        def begin(eventtime):
            reactor = printer.get_reactor()
            while printer.get_state_message()[1] == "startup":
                reactor.pause(reactor.monotonic() + 0.5)
            lab.zero = (ready[0] if ready else reactor.monotonic()) + SETTLE
            reactor.pause(lab.zero)
            phase = self.phases.pop(0)
            try:
                phase(lab)
                self.note_complaints(printer)
            except Exception:
                self.data["error"] = traceback.format_exc()
                self.phases.clear()
            if not self.phases:
                printer.request_exit("exit")
            # else the phase has asked for a restart

        def give_up(eventtime):
            self.data["error"] = f"the scenario did not end: {lab.everything()}"
            printer.request_exit("exit")
            return printer.get_reactor().NEVER

        reactor = printer.get_reactor()
        reactor.register_callback(begin)
        reactor.register_timer(give_up, reactor.monotonic() + LIMIT)


def run_on_standin(name, folder, **start_args):
    from tests.emulators.klippy_host.printer import Printer, default_start_args
    from tests.emulators.klippy_host.reactor import Reactor, VirtualClock

    config, phases = load(name)
    path = write_config(folder, config)
    script = Script(phases, folder)
    clock = VirtualClock()
    while True:
        printer = Printer(Reactor(clock), default_start_args(str(path), **start_args))
        script.prepare(printer)
        if printer.run() == "exit":
            return script.data


def run_on_klippy(checkout, python, name, folder):
    """In a process of its own: a checkout's modules are top-level, one checkout per process."""
    command = [python, "-m", "tests.klippy.lab", str(checkout), name, str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )
    for line in done.stdout.splitlines():
        if line.startswith("RESULT "):
            return json.loads(line[7:])
    raise AssertionError(f"{name} on {checkout}: no result\n{done.stdout}\n{done.stderr[-4000:]}")


def write_config(folder, text):
    folder = pathlib.Path(folder)
    (folder / "config").mkdir(parents=True, exist_ok=True)
    (folder / "gcodes").mkdir(exist_ok=True)
    path = folder / "config" / "printer.cfg"
    path.write_text(text.replace("@GCODES@", str(folder / "gcodes")), encoding="utf-8")
    return path


def main(argv):
    from tests.emulators.klippy_host.real.engine import Engine, with_mcu

    checkout, name, folder = argv
    config, phases = load(name)
    path = write_config(folder, with_mcu(config))
    log = pathlib.Path(folder) / "klippy.log"
    logging.basicConfig(filename=log, level=logging.INFO, format="%(message)s")
    engine = Engine(checkout, pathlib.Path(folder) / "engine", virtual=True)
    script = Script(phases, folder)
    engine.run(engine.start_args(path), script.prepare)
    print("RESULT " + json.dumps(script.data))


if __name__ == "__main__":
    main(sys.argv[1:])
