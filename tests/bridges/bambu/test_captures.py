# Recorded messages of real printers yield the right snapshot
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The table is written from what the files say, by hand. Paths not named are checked to be null or
empty, so an invented value fails."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
from typing import Any

import pytest

from tests.tools.bambu_messages import snapshot_of

ROOT = pathlib.Path(__file__).resolve().parents[3]


def heater(temperature: float, target: Any = None) -> dict[str, Any]:
    return {"temperature": temperature, "target": target}


def slot(index: int, material: Any = None, color: Any = None, remaining: Any = None) -> Any:
    return {
        "index": index,
        "present": material is not None,
        "material": material,
        "color": color,
        "remaining": remaining,
    }


def spool(index: int, material: Any = None, color: Any = None) -> Any:
    """An external spool: nobody knows whether it hangs there."""
    return {**slot(index, material, color), "present": None}


def unit(number: int, kind: Any, slots: list[Any], **values: Any) -> dict[str, Any]:
    silent = {"humidity": None, "temperature": None, "drying": None}
    return {"id": number, "kind": kind, "slots": slots, **silent, **values}


def drying(minutes: float) -> dict[str, Any]:
    return {"time_left": minutes * 60.0, "temperature": None}


def job(**values: Any) -> dict[str, Any]:
    keys = [
        "name",
        "filename",
        "progress",
        "time_left",
        "print_duration",
        "layer",
        "layers",
        "origin",
    ]
    return {key: values.get(key) for key in keys}


def fault(code: str, severity: str) -> dict[str, Any]:
    return {
        "code": code,
        "severity": severity,
        "url": "https://e.bambulab.com/?e=" + code.replace("_", ""),
    }


OFF = {"part": 0.0, "aux": 0.0, "chamber": 0.0, "heatbreak": 0.0}
LITE_A1 = [
    slot(0, "PLA", "76D9F4", 1.0),
    slot(1, "PLA", "FFF144", 1.0),
    slot(2, "PLA", "FF80FF", 1.0),
    slot(3, "PLA", "0ACC38", 1.0),
]
LITE_MINI = [
    slot(0, "PLA", "DE4343"),
    slot(1, "PLA", "918669"),
    slot(2, "PETG", "D6ABFF"),
    slot(3, "PLA", "000000"),
]

SILENT: dict[str, Any] = {
    "state": None,
    "message": None,
    "stage": None,
    "heaters": {"extruder": None, "extruder1": None, "heater_bed": None, "chamber": None},
    "fans": {"part": None, "aux": None, "chamber": None, "heatbreak": None},
    "speed_factor": None,
    "job": None,
    "filament": None,
    "faults": [],
    "lights": {},
    "firmware": None,
    "model": None,
    "accepts_commands": "unknown",
}

EXPECTED: dict[str, dict[str, Any]] = {
    "A1-idle.json": {
        "state": "standby",
        "heaters": {"extruder": heater(27.8125, 0.0), "heater_bed": heater(29.75, 0.0)},
        "fans": OFF,
        "speed_factor": 1.0,
        "filament": {
            "units": [unit(0, "AMS Lite", LITE_A1)],
            "external": [spool(0, "PLA", "FFFFFF")],
            "active": {},
        },
        "lights": {"chamber_light": "off"},
        "firmware": "01.05.00.00",
        "model": "A1",
    },
    "A1-pause-runout-deltas.json": {
        "state": "paused",
        "message": "the external spool has run out (0300_8015)",
        "heaters": {"extruder": heater(227.78125), "heater_bed": heater(32.75)},
        "faults": [fault("0300_8015", "common")],
    },
    "A1MINI-get_version.json": {"firmware": "01.07.02.00", "model": "A1 mini"},
    "A1MINI-idle-pushall.json": {
        "state": "standby",
        "heaters": {"extruder": heater(27.21875, 0.0), "heater_bed": heater(26.53125, 0.0)},
        "fans": OFF,
        "speed_factor": 1.0,
        "filament": {
            "units": [unit(0, "AMS Lite", LITE_MINI)],
            "external": [spool(0, "PLA", "161616")],
            "active": {},
        },
        "lights": {"chamber_light": "off"},
    },
    "H2D-idle-ams-ams2-amsht.json": {
        "state": "standby",
        "heaters": {
            "extruder": heater(24.0, 0.0),
            "extruder1": heater(24.0, 0.0),
            "heater_bed": heater(24.0, 0.0),
            "chamber": heater(24.0, 0.0),
        },
        "fans": OFF,
        "speed_factor": 1.0,
        "filament": {
            "units": [
                unit(
                    0,
                    "AMS",
                    [
                        slot(0, "PLA", "FFFFFF", 1.0),
                        slot(1, "PLA", "000000", 0.35),
                        slot(2, "PLA", "DE4343", 0.82),
                        slot(3, "PLA", "0078BF", 0.15),
                    ],
                    humidity=23.0,
                    temperature=24.7,
                ),
                unit(
                    1,
                    "AMS 2 Pro",
                    [slot(i) for i in range(4)],
                    humidity=8.0,
                    temperature=55.9,
                    drying=drying(692),
                ),
                unit(128, "AMS HT", [slot(0)], humidity=8.0, temperature=81.0, drying=drying(450)),
            ],
            "external": [spool(0), spool(1)],
            "active": {},
        },
        "lights": {"chamber_light": "off", "work_light": "flashing", "chamber_light2": "off"},
        "firmware": "01.01.02.00",
        "model": "H2D",
        "accepts_commands": "no",
    },
    "H2D-printing-plus-deltas.json": {
        "state": "printing",
        "stage": "cleaning the nozzle",
        "heaters": {
            "extruder": heater(264.0, 225.0),
            "extruder1": heater(40.0, 0.0),
            "heater_bed": heater(100.0, 100.0),
            "chamber": heater(48.0, 60.0),
        },
        "fans": {**OFF, "heatbreak": 1.0},
        "speed_factor": 1.0,
        "job": job(
            name="Number 10 House Numbers_plate_1",
            filename="/data/Metadata/plate_1.gcode",
            progress=0.0,
            time_left=6900.0,
            layer=0,
            layers=26,
            origin="cloud",
        ),
        "filament": {
            "units": [
                unit(
                    0,
                    "AMS",
                    [
                        slot(0, "PLA", "FFFFFF", 0.47),
                        slot(1, "PLA", "000000", 0.35),
                        slot(2, "PLA", "DE4343", 0.82),
                        slot(3, "PETG", "000000", 0.26),
                    ],
                    humidity=24.0,
                    temperature=26.2,
                ),
                unit(
                    128,
                    "AMS HT",
                    [slot(0, "PA-GF", "000000", 1.0)],
                    humidity=6.0,
                    temperature=27.9,
                ),
            ],
            "external": [spool(0), spool(1)],
            "active": {"extruder": [128, 0]},
        },
        "lights": {"chamber_light": "on", "work_light": "flashing", "chamber_light2": "on"},
        "firmware": "01.01.02.07",
        "model": "H2D",
        "accepts_commands": "no",
    },
    "P1S-idle-after-finish-fullpush.json": {
        "state": "complete",
        "heaters": {"extruder": heater(15.0625, 0.0), "heater_bed": heater(12.0, 0.0)},
        "fans": OFF,
        "speed_factor": 1.0,
        "job": job(name="X", progress=1.0, time_left=0.0, layer=260, layers=260),
        "lights": {"chamber_light": "off"},
    },
    "P1S-idle-deltas.json": {"heaters": {"heater_bed": heater(12.0)}},
    "P1S-printing-delta.json": {
        "heaters": {"extruder": heater(229.9375), "heater_bed": heater(64.96875)},
        "job": job(time_left=6000.0),
    },
    "P1S-printing-lan-fullpush.json": {
        "state": "printing",
        "stage": "printing",
        "heaters": {"extruder": heater(229.875, 230.0), "heater_bed": heater(64.49, 65.0)},
        "fans": {"part": 1.0, "aux": 0.73, "chamber": 1.0, "heatbreak": 1.0},
        "speed_factor": 1.0,
        "job": job(
            name="glowie.gcode",
            filename="glowie.gcode",
            progress=0.11,
            time_left=958 * 60.0,
            layer=20,
            layers=749,
            origin="local",
        ),
        "filament": {
            "units": [
                unit(
                    0,
                    None,
                    [
                        slot(0, "PLA", "AF7933"),
                        slot(1, "PLA", "0ACC38"),
                        slot(2, "PETG", "BCBCBC"),
                        slot(3, "PETG", "161616"),
                    ],
                )
            ],
            "external": [spool(0)],
            "active": {"extruder": [0, 0]},
        },
        "lights": {"chamber_light": "on"},
    },
    "P1S-sticky-print_error.json": {
        "state": "complete",
        "message": "the SD card is wearing out (0500_C011)",
        "job": job(progress=1.0, layer=24, layers=24),
        "faults": [fault("0500_C011", "info")],
    },
    "P2S-start-pause-stop-cancel-events.json": {
        "state": "cancelled",
        "message": "the job was cancelled (0300_400C)",
        "job": job(
            name="ams",
            filename="/data/Metadata/plate_1.gcode",
            progress=0.0,
            layer=0,
            layers=94,
            origin="local",
        ),
        "faults": [
            fault("0300_400C", "info"),
            fault("0500_0600_0002_0070", "serious"),
            fault("0501_0400_0003_0002", "common"),
            fault("0500_0400_0003_0057", "common"),
        ],
    },
    "X1C-finish-2ams-ams2pro-amsht.json": {
        "state": "complete",
        "heaters": {
            "extruder": heater(26.0, 0.0),
            "heater_bed": heater(23.0, 0.0),
            "chamber": heater(25.0, 0.0),
        },
        "fans": OFF,
        "speed_factor": 1.0,
        "job": job(
            name="Garden Hose Healer: Male fitting",
            filename="/data/Metadata/plate_1.gcode",
            progress=1.0,
            time_left=0.0,
            layer=480,
            layers=480,
        ),
        "filament": {
            "units": [
                unit(
                    0,
                    "AMS",
                    [
                        slot(0, "PLA", "000000", 0.93),
                        slot(1, "PLA", "7D6556", 1.0),
                        slot(2, "PLA", "4D3324", 1.0),
                        slot(3, "PLA", "AE835B", 0.83),
                    ],
                    humidity=8.0,
                    temperature=26.2,
                ),
                unit(
                    1,
                    "AMS",
                    [
                        slot(0, "ABS", "D32941", 0.21),
                        slot(1, "ABS", "489FDF", 0.2),
                        slot(2, "ABS", "FFFFFF", 0.71),
                        slot(3, "ABS", "87909A", 1.0),
                    ],
                    humidity=4.0,
                    temperature=25.4,
                ),
                unit(
                    2,
                    "AMS 2 Pro",
                    [
                        slot(0),
                        slot(1, "ABS", "FF6A13", 1.0),
                        slot(2, "ABS", "789D4A", 0.62),
                        slot(3, "ABS", "000000", 1.0),
                    ],
                    humidity=9.0,
                    temperature=65.0,
                    drying=drying(583),
                ),
                unit(
                    128,
                    "AMS HT",
                    [slot(0, "PA-CF", "000000", 1.0)],
                    humidity=8.0,
                    temperature=45.2,
                ),
            ],
            "external": [spool(0)],
            "active": {},
        },
        "lights": {"chamber_light": "on", "work_light": "flashing"},
        "firmware": "01.09.00.01",
        "model": "X1 Carbon",
        "accepts_commands": "no",
    },
}


def expected(name: str) -> dict[str, Any]:
    wanted = {**SILENT, **EXPECTED[name]}
    wanted["heaters"] = {**SILENT["heaters"], **EXPECTED[name].get("heaters", {})}
    return wanted


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_capture(name: str, captures: pathlib.Path) -> None:
    assert json.loads(json.dumps(snapshot_of(captures / "bambu" / name).to_json())) == expected(
        name
    )


def test_every_capture_has_expected_values(captures: pathlib.Path) -> None:
    assert {path.name for path in (captures / "bambu").glob("*.json")} == set(EXPECTED)


def test_tool_needs_neither_moonraker_nor_paho_nor_aiohttp(captures: pathlib.Path) -> None:
    program = (
        "import sys, runpy\n"
        "class Wall:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('moonraker', 'paho', 'aiohttp', 'tornado'):\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Wall())\n"
        "sys.argv = ['snapshot', 'bambu', *sys.argv[1:]]\n"
        "runpy.run_module('tests.tools.snapshot', run_name='__main__')\n"
    )
    files = sorted((captures / "bambu").glob("*.json"))
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, files)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    printed = [json.loads(line) for line in done.stdout.splitlines()]
    assert printed == [expected(path.name) for path in files]
