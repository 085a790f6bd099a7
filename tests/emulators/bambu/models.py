# What distinguishes the emulated models
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Facts per model: names, dialect of the reports, heaters, AMS units, habits."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class AmsUnit:
    id: int
    module: str  # module name in get_version, without the number
    type: int  # low bits of `info`; 0: this firmware sends no info
    extruder: int = 0
    slots: int = 4
    humidity: int = 0
    temperature: float = 0.0


@dataclass(frozen=True)
class Model:
    name: str  # product_name without "Bambu Lab"
    firmware: str
    serial: str  # a plausible default
    device: bool  # reports the `device` tree with packed temperatures
    nozzles: int = 1
    chamber: str = "none"  # none, sensor, heater
    airduct: bool = False
    resolution: float = 1.0  # of the temperatures
    fun_base: int = 0  # capability bits; 0: this firmware has no `fun`
    cancel_echo: str = "after"
    needs_param: bool = False
    jpeg_camera: bool = False
    whole_reports: bool = False  # old X1: everything each second, and no `msg` to tell
    lights: tuple[str, ...] = ("chamber_light",)
    ams: tuple[AmsUnit, ...] = field(default=())


_LITE = AmsUnit(0, "ams_f1", 2)
_A2L = AmsUnit(16, "ams_f1", 5)
_AMS = AmsUnit(0, "ams", 1, humidity=24, temperature=26.2)
_PRO = AmsUnit(1, "n3f", 3, humidity=12, temperature=25.1)
_HT = AmsUnit(128, "n3s", 4, extruder=1, slots=1, humidity=8, temperature=27.9)
_X1_FUN, _H2_FUN = 0x1180_0F9C_FB, 0x418F_FF9C_FF
_TWO, _THREE = ("chamber_light", "work_light"), ("chamber_light", "work_light", "chamber_light2")


def _small(name: str, firmware: str, serial: str, *ams: AmsUnit) -> Model:
    """A1 and P1: legacy keys, temperatures in steps of 1/32, JPEG camera, no `fun`."""
    return Model(
        name, firmware, serial, False, resolution=1 / 32, cancel_echo="before",
        jpeg_camera=True, ams=ams,
    )  # fmt: skip


def _h2(name: str, firmware: str, serial: str, nozzles: int = 2) -> Model:
    return Model(
        name, firmware, serial, True, nozzles=nozzles, chamber="heater", airduct=True,
        fun_base=_H2_FUN, lights=_THREE, ams=(_AMS, _HT),
    )  # fmt: skip


MODELS: dict[str, Model] = {
    "A1 mini": _small("A1 mini", "01.07.02.00", "03000A000000001", _LITE),
    "A1": _small("A1", "01.05.00.00", "03900A000000001", _LITE),
    "P1P": _small("P1P", "01.07.00.00", "01S00A000000001", _AMS),
    "P1S": _small("P1S", "01.08.02.00", "01P00A000000001", _AMS),
    "A2L": Model(
        "A2L", "01.00.02.00", "26A19A000000001", True, jpeg_camera=True,
        fun_base=_X1_FUN, ams=(_A2L,),
    ),
    "X1": Model(
        "X1", "01.07.00.00", "00W00A000000001", False, chamber="sensor", whole_reports=True,
        lights=_TWO, ams=(_AMS,),
    ),
    "X1E": Model(
        "X1E", "01.01.01.00", "03W00A000000001", False, chamber="heater", whole_reports=True,
        lights=_TWO, ams=(_AMS,),
    ),
    "X1C": Model(
        "X1-Carbon", "01.09.00.01", "00M00A000000001", True, chamber="sensor",
        fun_base=_X1_FUN, lights=_TWO, ams=(_AMS, _PRO, _HT),
    ),
    "P2S": Model(
        "P2S", "01.02.00.00", "22E00A000000001", True, chamber="sensor", airduct=True,
        fun_base=_X1_FUN, needs_param=True, ams=(_AMS,),
    ),
    "H2S": _h2("H2S", "01.01.00.00", "09300A000000001", nozzles=1),
    "H2D": _h2("H2D", "01.01.02.07", "09400A000000001"),
    "H2D Pro": _h2("H2D Pro", "01.01.03.00", "09500A000000001"),
    "H2C": _h2("H2C", "01.00.01.00", "31B00A000000001"),
    "X2D": _h2("X2D", "01.00.00.50", "20P90A000000001"),
}  # fmt: skip


def model(name: str) -> Model:
    """By any usual spelling."""
    wanted = "".join(name.lower().replace("bambu lab", "").replace("-", " ").split())
    for key, found in MODELS.items():
        if wanted in ("".join(key.lower().split()), "".join(found.name.lower().split("-"))):
            return found
    raise ValueError(f"no model '{name}'; known are {', '.join(MODELS)}")
