# Every difference between Klipper versions and Kalico, by looking at what is there
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Reads heaters whatever their host and controller; nothing here knows a version number."""

from __future__ import annotations

import math
from typing import Any, Callable, Optional

from .thermal.memory import VERSION as MEMORY_VERSION
from .thermal.traits import traits_of
from .thermal.types import HeaterKind, HeaterSpec

#: controller class -> the name its option has; every other class is a calibration in progress
CONTROLS = {
    "ControlBangBang": "watermark",
    "ControlPID": "pid",
    "ControlVelocityPID": "pid_v",
    "ControlDualLoopPID": "dual_loop_pid",
    "ControlMPC": "mpc",
}
CALIBRATIONS = ("ControlAutoTune", "TuningControl")


def finite(value: Any) -> Optional[float]:
    """``value`` as a float, or None for anything that is not a finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) else None


def control_of(heater: Any) -> Any:
    return getattr(heater, "control", None)


def control_name(control: Any) -> Optional[str]:
    """The controller's name; None for one that is not known."""
    return CONTROLS.get(type(control).__name__)


def is_calibrating(control: Any, usual: Any) -> bool:
    """True while PID_CALIBRATE or MPC_CALIBRATE has put its own controller in place."""
    name = type(control).__name__
    if name in CALIBRATIONS or "Tun" in name:
        return True
    return control is not usual and name not in CONTROLS


def _pid_of(control: Any) -> Any:
    """The PID whose gains decide; of two loops the one that follows the heater's own sensor."""
    return getattr(control, "primary_pid", control)


def gains_of(control: Any) -> Optional[tuple[float, float, float]]:
    """Kp, Ki, Kd as klippy uses them (divided by 255)."""
    pid = _pid_of(control)
    gains = [finite(getattr(pid, name, None)) for name in ("Kp", "Ki", "Kd")]
    if any(gain is None or gain < 0.0 for gain in gains) or not gains[0]:
        return None
    return gains[0], gains[1], gains[2]  # type: ignore[return-value]


def integral_of(control: Any, max_power: float) -> Optional[float]:
    """What the integral part adds to the output, 0..max_power."""
    pid = _pid_of(control)
    total, gain = finite(getattr(pid, "prev_temp_integ", None)), finite(getattr(pid, "Ki", None))
    if total is None or gain is None:
        return None
    return min(max(total * gain, 0.0), max_power)


def seed_of(control: Any, kind: HeaterKind) -> Optional[dict[str, Any]]:
    """What an MPC controller knows of its heater, in the form of learned data, trusted little."""
    constants = mpc_constants(control)
    if constants is None:
        return None
    watts, capacity, transfer = constants
    rest = traits_of(HeaterSpec("seed", kind)).prior[2:]
    params = [math.log(watts / capacity), math.log(transfer / capacity), *rest]
    # without a fingerprint and with a large rms the model takes it as a starting point only
    return {"version": MEMORY_VERSION, "params": params, "fits": 0, "rms": 1.2}


def mpc_constants(control: Any) -> Optional[tuple[float, float, float]]:
    """Heater power W, block heat capacity J/K and ambient transfer W/K of an MPC controller."""
    names = ("const_heater_power", "const_block_heat_capacity", "const_ambient_transfer")
    values = [finite(getattr(control, name, None)) for name in names]
    if any(value is None or value <= 0.0 for value in values):
        return None
    return values[0], values[1], values[2]  # type: ignore[return-value]


def kind_of(name: str, max_temp: Optional[float]) -> HeaterKind:
    """What sort of heater a full klippy name means ("heater_bed", "heater_generic chamber")."""
    if name.startswith("extruder"):
        return HeaterKind.HOTEND
    short = name.split()[-1].lower()
    if name == "heater_bed" or "bed" in short:
        return HeaterKind.BED
    if "chamber" in short or "enclosure" in short or "dryer" in short:
        return HeaterKind.CHAMBER
    return HeaterKind.HOTEND if max_temp is not None and max_temp > 180.0 else HeaterKind.CHAMBER


def spec_of(heater: Any, kind: Optional[HeaterKind], sensor_type: Optional[str]) -> HeaterSpec:
    name = str(getattr(heater, "name", ""))
    control = control_of(heater)
    max_temp = finite(getattr(heater, "max_temp", None))
    return HeaterSpec(
        name=name.split()[-1],
        kind=kind or kind_of(name, max_temp),
        control=control_name(control),
        gains=gains_of(control),
        max_power=finite(getattr(heater, "max_power", None)) or 1.0,
        smooth_time=finite(getattr(heater, "smooth_time", None)) or 1.0,
        max_delta=finite(getattr(control, "max_delta", None)) or 2.0,
        min_temp=finite(getattr(heater, "min_temp", None)),
        max_temp=max_temp,
        sensor_type=sensor_type,
    )


def sensor_type_of(config_status: Any, name: str) -> Optional[str]:
    """The ``sensor_type`` option of a heater's section, from configfile's own status."""
    try:
        value = config_status["settings"][name.lower()]["sensor_type"]
    except (KeyError, TypeError):
        return None
    return value if isinstance(value, str) else None


def print_time_of(heater: Any, eventtime: float) -> Optional[float]:
    """The clock that ``last_temp_time`` is in, at ``eventtime``."""
    pin = getattr(heater, "mcu_pwm", None)
    if pin is None:
        return None
    return finite(pin.get_mcu().estimated_print_time(eventtime))


def wait_while(
    printer: Any, busy: Callable[[float], bool], interval: float, cancelled: Callable[[], bool]
) -> bool:
    """Pause until ``busy`` is False; True when it ended so, False when it was cut short.

    Kalico counts interrupts in its G-code object; everywhere a shutdown ends the wait.
    """
    reactor = printer.get_reactor()
    gcode = printer.lookup_object("gcode")
    count = getattr(gcode, "get_interrupt_counter", None)
    begun = count() if count is not None else 0
    eventtime = reactor.monotonic()
    while busy(eventtime):
        if printer.is_shutdown() or cancelled() or (count is not None and count() != begun):
            return False
        eventtime = reactor.pause(eventtime + interval)
    return True


def before_endpoint(webhooks: Any, path: str, action: Callable[[], None]) -> None:
    """Call ``action`` when a client calls an endpoint that somebody else has registered."""
    endpoints = getattr(webhooks, "_endpoints", None)
    original = endpoints.get(path) if isinstance(endpoints, dict) else None
    if endpoints is None or not callable(original):
        return

    def call(web_request: Any) -> Any:
        action()
        return original(web_request)

    endpoints[path] = call


def note_job_cancelled(printer: Any) -> None:
    """A job whose script is about to fail because it was cancelled has not failed."""
    stats = printer.lookup_object("print_stats", None)
    note_cancel = getattr(stats, "note_cancel", None)
    if note_cancel is not None and getattr(stats, "state", None) in ("printing", "paused"):
        note_cancel()
