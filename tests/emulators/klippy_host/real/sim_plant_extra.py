# Test extra for a real klippy: simulated heaters behind pins and sensors
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``[sim_plant NAME]`` provides ``heater_pin: sim:NAME`` and ``sensor_type: sim_NAME``.

These sections must come first in the configuration: the hub undoes klippy's file-output mode in
its own klippy:connect handler, which has to run before those that ask about it.
"""

from .plants import PlantHub, read_plant


class SimPin:
    def __init__(self, hub, name, mcu):
        self.hub = hub
        self.name = name
        self.mcu = mcu

    def get_mcu(self):
        return self.mcu

    def setup_max_duration(self, max_duration):
        pass

    def setup_cycle_time(self, cycle_time, hardware_pwm=False):
        pass

    def setup_start_value(self, start_value, shutdown_value, *args):
        pass

    def get_cycle_time(self):
        return 0.1

    def set_pwm(self, print_time, value, *args):
        self.hub.set_pin(self.name, print_time, value)

    def set_digital(self, print_time, value):
        self.hub.set_pin(self.name, print_time, float(value))


class SimPlants:
    def __init__(self, printer):
        self.printer = printer
        self.reactor = printer.get_reactor()
        self.mcu = printer.lookup_object("mcu")
        self.start_args = printer.get_start_args()
        self.hub = PlantHub(self.reactor, lambda et: self.mcu.estimated_print_time(et))
        self.debugoutput = self.start_args.get("debugoutput")
        printer.lookup_object("pins").register_chip("sim", self)
        printer.register_event_handler("klippy:connect", self._connect)
        printer.register_event_handler("klippy:ready", self.hub.start)
        printer.register_event_handler("klippy:shutdown", self._shutdown)
        printer.register_event_handler("klippy:disconnect", self._disconnect)

    def setup_pin(self, pin_type, pin_params):
        return SimPin(self.hub, pin_params["pin"], self.mcu)

    def _connect(self):
        self.start_args.pop("debugoutput", None)
        self.mcu.estimated_print_time = self.mcu._clocksync.estimated_print_time
        toolhead = self.printer.lookup_object("toolhead", None)
        if toolhead is not None and hasattr(toolhead, "can_pause"):
            toolhead.can_pause = True

    def _shutdown(self):
        for name in self.hub.plants:  # the micro-controller would cut its pins
            self.hub.set_pin(name, 0.0, 0.0)

    def _disconnect(self):
        self.start_args["debugoutput"] = self.debugoutput


def load_config_prefix(config):
    printer = config.get_printer()
    plants = printer.lookup_object("sim_plants", None)
    if plants is None:
        plants = SimPlants(printer)
        printer.add_object("sim_plants", plants)
    name = config.get_name().split()[-1]
    sensor = plants.hub.add(
        name,
        read_plant(config),
        config.getfloat("report_time", 0.3, above=0.0),
        config.get("cooled_by", None),
    )
    heaters = printer.load_object(config, "heaters")
    heaters.add_sensor_factory(f"sim_{name}", lambda _config: sensor)
    return sensor
