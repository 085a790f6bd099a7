# G-code lines -> what a bridged printer can do, or why it cannot
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Pure. One line in, one ``Step`` out; nothing is passed to the printer as text."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Callable, Optional

from ..core.commands import Action, Command
from ..core.model import PrintState
from .lanes import Lane, lanes
from .view import View

MAX_LINES = 64
DRYING_HOURS = 8  # a target is all that the interfaces can enter
LOAD_TEMPERATURE = 220  # C, for a material that is not in the table
LOAD_TEMPERATURES = {"PETG": 250, "ABS": 260, "ASA": 260, "PC": 280, "PA": 280, "TPU": 230}
EMERGENCY_STOP = "emergency_stop"
HIDE_MESSAGE = "hide_message"


@dataclass(frozen=True)
class Step:
    """Exactly one of: commands to carry out, a line to say, a refusal, a local act."""

    commands: tuple[Command, ...] = ()
    say: Optional[str] = None
    refusal: Optional[str] = None
    local: Optional[str] = None


Words = Mapping[str, str]
Translate = Callable[[View, Words], Step]


def translate(line: str, view: View) -> Optional[Step]:
    """None for a blank line or a comment."""
    text = line.split(";", 1)[0].strip() if not line.lstrip().upper().startswith("M117") else line
    if not text or text.startswith("//"):
        return None
    name, words = _parse(text)
    handler = TABLE.get(name)
    if handler is None:
        return Step(refusal=f"{view.name} is not a Klipper: '{name[:40]}' cannot be done")
    return handler(view, words)


def _parse(line: str) -> tuple[str, Words]:
    """``SET_X A=1 B="two words"`` and ``M104 S200 T1`` alike; keys are upper case."""
    try:
        parts = shlex.split(line)
    except ValueError:  # an unbalanced quote
        parts = line.split()
    name = parts[0].upper()
    classic = re.fullmatch(r"[A-Z]\d+(\.\d+)?", name) is not None
    words: dict[str, str] = {}
    for part in parts[1:]:
        if classic and "=" not in part:
            words[part[:1].upper()] = part[1:]
        else:
            key, _, value = part.partition("=")
            words[key.upper()] = value
    return name, words


def _number(words: Words, key: str) -> Optional[float]:
    try:
        value = float(words[key])
    except (KeyError, ValueError):
        return None
    return value if abs(value) < 1e6 else None  # also refuses NaN and infinities


def _do(action: Action, **params: object) -> Step:
    return Step(commands=(Command(action, params),))


def _missing(text: str) -> Step:
    return Step(refusal=f"A value is missing or wrong: {text}")


# ---- temperatures, fans, speed, lights ------------------------------------------------------

HEATERS = {"heater_generic chamber": "chamber"}


def _temperature(view: View, heater: str, target: Optional[float]) -> Step:
    name = HEATERS.get(heater, heater)
    if target is None or target < 0:
        return _missing(f"a target temperature for '{heater[:40]}'")
    if name.endswith("_dryer"):
        return _dry(view, name, target)
    known = view.snapshot.heaters.get(name)
    if known is None:
        return Step(refusal=f"{view.name} has no heater '{heater[:40]}'")
    if known.target is None:
        return Step(refusal=f"{view.name} does not heat its '{name}'")
    return _do(Action.TEMPERATURE, heater=name, target=target)


def _set_heater(view: View, words: Words) -> Step:
    return _temperature(view, words.get("HEATER", ""), _number({"TARGET": "0", **words}, "TARGET"))


def _hotend(view: View, words: Words) -> Step:
    tool = _number(words, "T")
    heater = "extruder1" if tool == 1 else "extruder"
    return _temperature(view, heater, _number(words, "S"))


def _bed(view: View, words: Words) -> Step:
    return _temperature(view, "heater_bed", _number(words, "S"))


def _chamber(view: View, words: Words) -> Step:
    return _temperature(view, "chamber", _number(words, "S"))


def _all_off(view: View, words: Words) -> Step:
    names = [name for name, heater in view.snapshot.heaters.items() if heater.target]
    return Step(
        commands=tuple(
            Command(Action.TEMPERATURE, {"heater": name, "target": 0.0}) for name in names
        )
    )


def _dry(view: View, heater: str, target: float) -> Step:
    unit = heater[len("ams_") : -len("_dryer")].upper()
    for lane in lanes(view.snapshot.filament):
        if lane.unit_id is not None and (lane.unit == unit or lane.name == unit):
            hours = DRYING_HOURS if target > 0 else 0
            return _do(Action.DRY, unit=lane.unit_id, temperature=target, hours=hours)
    return Step(refusal=f"{view.name} has no filament unit '{unit[:20]}'")


def _fan(view: View, name: str, speed: Optional[float]) -> Step:
    if speed is None:
        return _missing("the fan's speed")
    if name not in view.snapshot.fans:
        return Step(refusal=f"{view.name} has no fan '{name[:40]}'")
    return _do(Action.FAN, name=name, speed=min(1.0, max(0.0, speed)))


FAN_NUMBERS = {None: "part", 0.0: "part", 1.0: "part", 2.0: "aux", 3.0: "chamber"}


def _fan_on(view: View, words: Words) -> Step:
    name = FAN_NUMBERS.get(_number(words, "P"), "?")
    speed = _number({"S": "255", **words}, "S")
    return _fan(view, name, None if speed is None else speed / 255.0)


def _fan_off(view: View, words: Words) -> Step:
    return _fan(view, FAN_NUMBERS.get(_number(words, "P"), "?"), 0.0)


def _set_fan(view: View, words: Words) -> Step:
    return _fan(view, words.get("FAN", ""), _number(words, "SPEED"))


def _speed(view: View, words: Words) -> Step:
    percent = _number(words, "S")
    if percent is None or not 1 <= percent <= 1000:
        return _missing("a speed in percent, as in M220 S100")
    return _do(Action.SPEED, factor=percent / 100.0)


def _set_speed(view: View, words: Words) -> Step:
    return _speed(view, {"S": words.get("PERCENT", "100")})


def _led(view: View, words: Words) -> Step:
    name = words.get("LED") or words.get("PIN") or ""
    if name not in view.snapshot.lights:
        return Step(refusal=f"{view.name} has no light '{name[:40]}'")
    levels = [_number(words, key) for key in ("RED", "GREEN", "BLUE", "WHITE", "VALUE")]
    on = any(level is not None and level > 0 for level in levels)
    return _do(Action.LIGHT, name=name, mode="on" if on else "off")


# ---- jobs ------------------------------------------------------------------------------------


def _plain(action: Action) -> Translate:
    return lambda view, words: _do(action)


def _home(view: View, words: Words) -> Step:
    if view.snapshot.state in (PrintState.PRINTING, PrintState.PAUSED):
        return Step(refusal=f"{view.name} does not home while a job is running")
    return _do(Action.GCODE, script="G28")


def _exclude(view: View, words: Words) -> Step:
    """By the number that the slicer gave the object; the printer tells no names."""
    text = words.get("NAME", "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        return _missing("an object's number in the sliced file, as in EXCLUDE_OBJECT NAME=123")
    if view.snapshot.state not in (PrintState.PRINTING, PrintState.PAUSED):
        return Step(refusal=f"{view.name} leaves out objects only while a job is running")
    return _do(Action.SKIP_OBJECTS, objects=[int(text)])


def _stop(view: View, words: Words) -> Step:
    return Step(local=EMERGENCY_STOP)


def _hide_message(view: View, words: Words) -> Step:
    return Step(local=HIDE_MESSAGE)


def _respond(view: View, words: Words) -> Step:
    """The interfaces close a dialog this way."""
    text = words.get("MSG", "")
    kind = words.get("TYPE", "echo").lower()
    prefix = {"command": "// ", "error": "!! "}.get(kind, "echo: ")
    return Step(say=f"{prefix}{text[:500]}")


def _help(view: View, words: Words) -> Step:
    return Step(say="// " + "\n// ".join(f"{name}: {text}" for name, text in HELP.items()))


# ---- filament --------------------------------------------------------------------------------


def _lane(view: View, words: Words) -> Optional[Lane]:
    found = lanes(view.snapshot.filament)
    if "LANE" in words:
        return next((lane for lane in found if lane.name == words["LANE"]), None)
    gate = _number(words, "GATE")
    if gate is not None and gate.is_integer() and 0 <= gate < len(found):
        return found[int(gate)]
    return None


def _load(view: View, words: Words) -> Step:
    lane = _lane(view, words)
    if lane is None:
        return Step(refusal=f"{view.name} has no such filament slot")
    material = (lane.slot.material or "").upper().split("-")[0]
    return _do(
        Action.LOAD_FILAMENT,
        unit=lane.unit_id,
        slot=lane.slot.index,
        temperature=LOAD_TEMPERATURES.get(material, LOAD_TEMPERATURE),
    )


def _set_lane(view: View, words: Words) -> Step:
    lane = _lane(view, words)
    if lane is None:
        return Step(refusal=f"{view.name} has no such filament slot")
    color = words.get("COLOR", "").lstrip("#").upper() or lane.slot.color
    material = words.get("MATERIAL") or lane.slot.material
    if color is not None and not re.fullmatch(r"[0-9A-F]{6}", color):
        return _missing("a colour as RRGGBB")
    return _do(
        Action.SET_FILAMENT,
        unit=lane.unit_id,
        slot=lane.slot.index,
        material=material,
        color=color,
    )


def _refuse(text: str) -> Translate:
    return lambda view, words: Step(refusal=f"{view.name}: {text}")


_EJECT = _refuse("its filament units cannot eject a spool by command")
_WEIGHT = _refuse("the weight of a spool cannot be set, the printer measures it")
_MAP = _refuse("tools are mapped when a print is started, not before")

#: name -> (translation, help; '' is not listed)
_COMMANDS: dict[str, tuple[Translate, str]] = {
    "SET_HEATER_TEMPERATURE": (_set_heater, "Set a heater's target: HEATER= TARGET="),
    "M104": (_hotend, "Set the nozzle's target: S<temperature> T<tool>"),
    "M109": (_hotend, ""),
    "M140": (_bed, "Set the bed's target: S<temperature>"),
    "M190": (_bed, ""),
    "M141": (_chamber, "Set the chamber's target: S<temperature>"),
    "M191": (_chamber, ""),
    "TURN_OFF_HEATERS": (_all_off, "Set every target to 0"),
    "M106": (_fan_on, "Set a fan: S<0..255> P<fan>"),
    "M107": (_fan_off, "Switch a fan off: P<fan>"),
    "SET_FAN_SPEED": (_set_fan, "Set a fan: FAN= SPEED=<0..1>"),
    "M220": (_speed, "Set the speed: S<percent>"),
    "SET_SPEED": (_set_speed, "Set the speed: PERCENT="),
    "SET_LED": (_led, "Switch a light: LED= WHITE=<0..1>"),
    "SET_PIN": (_led, ""),
    "PAUSE": (_plain(Action.PAUSE), "Pause the print"),
    "M25": (_plain(Action.PAUSE), ""),
    "RESUME": (_plain(Action.RESUME), "Resume the print"),
    "M24": (_plain(Action.RESUME), ""),
    "CANCEL_PRINT": (_plain(Action.CANCEL), "Cancel the print"),
    "EXCLUDE_OBJECT": (_exclude, "Leave an object out of this print: NAME=<its number>"),
    "G28": (_home, "Home all axes, when no job is running"),
    "M112": (_stop, "Stop this printer's job at once"),
    "RESPOND": (_respond, ""),
    "HELP": (_help, "List what can be done"),
    "SET_READY": (_plain(Action.SET_READY), "Tell the printer that the print was taken off"),
    "CLEAR_ERROR": (_plain(Action.CLEAR_ERROR), "Close the message on the printer's screen"),
    "UNLOAD_FILAMENT": (_plain(Action.UNLOAD_FILAMENT), "Unload the filament from the hotend"),
    "CHANGE_TOOL": (_load, "Load a filament slot: LANE="),
    "TOOL_UNLOAD": (_plain(Action.UNLOAD_FILAMENT), ""),
    "SET_COLOR": (_set_lane, "Set a slot's colour: LANE= COLOR=<RRGGBB>"),
    "SET_MATERIAL": (_set_lane, "Set a slot's material: LANE= MATERIAL="),
    "SET_WEIGHT": (_WEIGHT, ""),
    "SET_MAP": (_MAP, ""),
    "SET_RUNOUT": (_refuse("it refills from an equal slot by itself"), ""),
    "LANE_UNLOAD": (_EJECT, ""),
    "AFC_CLEAR_MESSAGE": (_hide_message, ""),
    "MMU_CHANGE_TOOL": (_load, ""),
    "MMU_UNLOAD": (_plain(Action.UNLOAD_FILAMENT), ""),
    "MMU_EJECT": (_EJECT, ""),
    "MMU_PRELOAD": (_EJECT, ""),
    "M117": (_refuse("its screen shows the printer's own messages only"), ""),
    "SDCARD_RESET_FILE": (_refuse("the last job stays until the next one starts"), ""),
}
TABLE: dict[str, Translate] = {name: entry[0] for name, entry in _COMMANDS.items()}
HELP: dict[str, str] = {name: text for name, (_, text) in _COMMANDS.items() if text}
