# Simulated heaters: block, surroundings and a lagging thermistor
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""One plant for every host: the stand-in and the test extra inside a real klippy use this file.

It imports nothing of either, and integrates on a fixed grid, so that equal commands at equal times
give equal temperatures.
"""

import random


class Plant:
    """Two masses and a sensor, driven by powers that take effect at a given time.

    ``gain`` C/s at full power, ``loss`` 1/s to ambient, ``couple`` 1/s block to surroundings,
    ``back`` 1/s surroundings to block, ``lag`` s of the sensor. ``speed`` makes everything that
    many times faster. ``strength`` below 1 is a weak cartridge; ``draught`` multiplies the loss.
    """

    GRID = 0.05
    NEAR = 1e-4  # clocks that count ticks round a little

    def __init__(self, gain, loss, couple, back, lag, ambient=23.0, noise=0.0, speed=1.0, seed=1):
        self.gain = gain * speed
        self.loss = loss * speed
        self.couple = couple * speed
        self.back = back * speed
        self.lag = lag / speed
        self.grid = self.GRID / max(1.0, speed / 4.0)
        self.ambient = ambient
        self.noise = noise
        self.block = self.mass = self.sensor = ambient
        self.power = 0.0
        self.strength = 1.0
        self.draught = 1.0
        self.time = None
        self.pending = []
        self.random = random.Random(seed)

    def set_power(self, time, value):
        """Let ``value`` (0..1) take effect at ``time``."""
        self.pending.append((time, value))

    def advance(self, time):
        """Integrate up to ``time`` and return what the thermistor shows."""
        if self.time is None:
            self.time = time
        while self.time + self.grid <= time + self.NEAR:
            while self.pending and self.pending[0][0] <= self.time + self.NEAR:
                self.power = self.pending.pop(0)[1]
            step = self.grid
            flow = self.block - self.mass
            leak = self.loss * self.draught * (self.block - self.ambient)
            self.sensor += step / self.lag * (self.block - self.sensor)
            self.mass += step * self.back * flow
            self.block += step * (
                self.gain * self.strength * self.power - leak - self.couple * flow
            )
            self.time += step
        if self.noise:
            return self.sensor + self.random.gauss(0.0, self.noise)
        return self.sensor


def read_plant(config):
    """A plant from a ``[sim_plant NAME]`` section of either host."""
    return Plant(
        gain=config.getfloat("gain", above=0.0),
        loss=config.getfloat("loss", above=0.0),
        couple=config.getfloat("couple", 0.005, above=0.0),
        back=config.getfloat("back", 0.015, above=0.0),
        lag=config.getfloat("lag", 3.0, above=0.0),
        ambient=config.getfloat("ambient", 23.0),
        noise=config.getfloat("noise", 0.0, minval=0.0),
        speed=config.getfloat("speed", 1.0, above=0.0),
    )


class PlantHub:
    """All plants of one host, with the sensor timers and the pins that drive them.

    ``to_print_time`` turns the reactor's clock into print time.
    """

    def __init__(self, reactor, to_print_time):
        self.reactor = reactor
        self.to_print_time = to_print_time
        self.plants = {}
        self.coolers = {}
        self.sensors = {}
        self.pins = {}

    def add(self, name, plant, report_time, cooled_by):
        self.plants[name] = plant
        self.coolers[name] = cooled_by
        self.sensors[name] = PlantSensor(self, plant, report_time, name)
        return self.sensors[name]

    def set_pin(self, name, print_time, value):
        self.pins[name] = value
        if name in self.plants:
            self.plants[name].set_power(print_time, value)
        for plant, cooler in self.coolers.items():
            if cooler == name:
                self.plants[plant].draught = 1.0 + 0.5 * value

    def start(self):
        """Sensors report on a common grid from here on, the first one after a second."""
        begin = self.reactor.monotonic() + 1.0
        for sensor in self.sensors.values():
            sensor.start(begin)


class PlantSensor:
    """A thermistor: reports every ``report_time`` from the reactor, in print time."""

    def __init__(self, hub, plant, report_time, name):
        self.hub = hub
        self.plant = plant
        self.report_time = report_time
        self.name = name
        self.callbacks = []
        self.due = 0.0
        self.stuck = False
        self.last = plant.ambient
        self.min_temp = self.max_temp = None
        self.on_fault = None

    def start(self, begin):
        self.due = begin
        self.hub.reactor.register_timer(self._report, begin)

    def _report(self, eventtime):
        read_time = self.hub.to_print_time(eventtime)
        self.last = temp = self.plant.advance(read_time)
        if not self.stuck:
            for callback in self.callbacks:
                callback(read_time, temp)
        # a converter has its own clock: a late reactor does not slow it down
        self.due = max(self.due + self.report_time, eventtime + 0.2 * self.report_time)
        return self.due

    # what Klipper asks of a sensor
    def setup_minmax(self, min_temp, max_temp):
        self.min_temp, self.max_temp = min_temp, max_temp

    def setup_callback(self, callback):
        self.callbacks.append(callback)

    def get_report_time_delta(self):
        return self.report_time

    def get_status(self, eventtime):
        return {"temperature": round(self.last, 4), "power": self.plant.power}
