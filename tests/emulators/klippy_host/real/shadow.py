# A tree of links to a Klipper checkout, with our extras in it
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Klippy loads extras from beside itself only; linking keeps the user's checkout clean."""

import json
import os
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
EXTRA = HERE.parents[3] / "klippy_extras" / "heater_eta"

#: what a micro-controller without any pin has to know
COMMANDS = (
    "identify offset=%u count=%c",
    "get_uptime",
    "get_clock",
    "get_config",
    "allocate_oids count=%c",
    "finalize_config crc=%u",
    "reset",
    "emergency_stop",
    "clear_shutdown",
    "debug_nop",
)
RESPONSES = (
    "identify_response offset=%u data=%.*s",
    "uptime high=%u clock=%u",
    "clock clock=%u",
    "config is_config=%c crc=%u is_shutdown=%c move_count=%hu",
    "stats count=%u sum=%u sumsq=%u",
    "shutdown clock=%u static_string_id=%hu",
    "is_shutdown static_string_id=%hu",
    "starting",
)


def is_kalico(checkout):
    return (pathlib.Path(checkout) / "klippy" / "printer.py").is_file()


def build_shadow(checkout, folder):
    """Link ``checkout`` into ``folder``; returns the folder to put on ``sys.path``.

    Kalico gets the extra as a plugin, which is where it belongs there.
    """
    source = pathlib.Path(checkout).resolve() / "klippy"
    if not (source / "klippy.py").is_file():
        raise SystemExit(f"{checkout} is not a Klipper checkout: klippy/klippy.py is missing")
    tree = pathlib.Path(folder) / "klippy"
    extras = tree / "extras"
    extras.mkdir(parents=True)
    _link_all(source, tree, skip=("extras", "plugins", "__pycache__"))
    _link_all(source / "extras", extras, skip=("heater_eta", "__pycache__"))
    place = extras
    if is_kalico(checkout):
        place = tree / "plugins"
        place.mkdir()
        _link_all(source / "plugins", place, skip=("heater_eta", "__pycache__"))
    os.symlink(EXTRA, place / "heater_eta")
    plants = extras / "sim_plant"
    plants.mkdir()
    os.symlink(HERE / "sim_plant_extra.py", plants / "__init__.py")
    os.symlink(HERE.parent / "plants.py", plants / "plants.py")
    for name in ("config", "docs"):  # Moonraker looks for them beside klippy
        if (source.parent / name).is_dir():
            os.symlink(source.parent / name, pathlib.Path(folder) / name)
    return pathlib.Path(folder) if is_kalico(checkout) else tree


def _link_all(source, target, skip):
    for entry in source.iterdir():
        if entry.name not in skip:
            os.symlink(entry, target / entry.name)


def write_dictionary(folder):
    """The data dictionary of the absent micro-controller, for klippy's file-output mode."""
    ids = {"identify_response offset=%u data=%.*s": 0, "identify offset=%u count=%c": 1}
    for text in (*COMMANDS, *RESPONSES):
        ids.setdefault(text, len(ids))
    data = {
        "commands": {text: ids[text] for text in COMMANDS},
        "responses": {text: ids[text] for text in RESPONSES},
        "enumerations": {"static_string_id": {"Shutdown": 2}, "pin": {"P0": 0}},
        "config": {
            "MCU": "simulated",
            "CLOCK_FREQ": 50000000,
            "ADC_MAX": 4095,
            "PWM_MAX": 255,
            "STATS_SUMSQ_BASE": 256,
            "RECEIVE_WINDOW": 192,
        },
        "version": "simulated",
        "build_versions": "none",
        "app": "Klipper",
    }
    path = pathlib.Path(folder) / "mcu.dict"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path
