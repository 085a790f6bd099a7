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
from .thermal.types import HeaterKind, HeaterSpec, Predictor

#: controller class -> the name its option has; every other class is a calibration in progress
CONTROLS = {
    "ControlBangBang": "watermark",
    "ControlPID": "pid",
    "ControlVelocityPID": "pid_v",
    "ControlDualLoopPID": "dual_loop_pid",
    "ControlMPC": "mpc",
}
CALIBRATIONS = ("ControlAutoTune", "TuningControl")
_ONE_MASS = 1.2  # MPC_CALIBRATE has found 0.74 to 0.87 of four heaters' gain and loss


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
    model = predictor_of(control)
    if model is None:
        return None
    # MPC_CALIBRATE fits one mass to a heater that has two: what seeps into the second makes the
    # first look heavier, and the sensor slower, than they are
    lag = 0.45 / model.response
    couple, back = traits_of(HeaterSpec("seed", kind)).prior[2:4]
    plain = (_ONE_MASS * model.gain, _ONE_MASS * model.loss)
    params = [*(math.log(value) for value in plain), couple, back, math.log(lag)]
    # without a fingerprint and with a large rms the model takes it as a starting point only
    return {
        "version": MEMORY_VERSION,
        "fingerprint": None,
        "params": params,
        "fits": 0,
        "rms": 1.2,
    }


def predictor_of(control: Any, heater: Any = None) -> Optional[Predictor]:
    """The model of an MPC controller; None for any other one.

    With ``heater`` also a way to ask its controller of the moment what it thinks.
    """

    def constant(name: str, default: float = 0.0) -> float:
        value = finite(getattr(control, name, None))
        return default if value is None or value <= 0.0 else value

    watts, capacity, transfer, response = (
        constant(name)
        for name in (
            "const_heater_power",
            "const_block_heat_capacity",
            "const_ambient_transfer",
            "const_sensor_responsiveness",
        )
    )
    if 0.0 in (watts, capacity, transfer, response):
        return None

    def live() -> Optional[tuple[float, float]]:
        block, sensor, ambient = (
            finite(getattr(control_of(heater), f"state_{name}_temp", None))
            for name in ("block", "sensor", "ambient")
        )
        if block is None or sensor is None or ambient is None:
            return None
        return block - sensor, ambient

    return Predictor(
        gain=watts / capacity,
        loss=transfer / capacity,
        response=response,
        reach_time=constant("const_target_reach_time", 2.0),
        steady_rate=constant("const_steady_state_rate", 0.5),
        ambient_step=constant("const_min_ambient_change", 1.0),
        live=None if heater is None else live,
    )


def regulation_of(control: Any) -> tuple[Any, ...]:
    """What the course of a heat-up depends on; when it changes the model must know."""
    return gains_of(control), predictor_of(control)


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
        predictor=predictor_of(control, heater),
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
