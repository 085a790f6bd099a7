# Every control that an interface shows for a virtual printer is pressed
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""What an interface sends then has to end at the printer, or in a refusal that can be seen.

The controls are found on the page itself, so a release that shows more is held to the same rule.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.moonraker.director import bambu

from .chromium import Page
from .test_interfaces import (  # noqa: F401
    WAIT,
    Scene,
    press_text,
    pytestmark,
    says,
    scene,
    shot,
)

#: told to nobody but the interface itself
LOCAL = ("RESPOND", "AFC_CLEAR_MESSAGE", "HELP", "TURN_OFF_HEATERS")
#: collapse, settings of the interface, and what is not of the printer
OURS = """
(() => {
  const icons = ["M7.41,", "M12,15.5A3.5", "M9,3V4H4", "M10,19H13V22", "M5,5H10V7", "M4 20H20",
    "M15,19.88", "M19,4H15.5", "M14,19H18", "M2,21L23", "M17.66 11.2", "M15 13V5", "M7,2H17",
    "M7.95,3", "M7,10L12"];
  const found = [...document.querySelectorAll("main button, main .v-slider, main input")]
    .filter((x) => x.offsetParent && !x.disabled && !x.closest(".v-slider input")
      && !x.closest(".v-input--is-readonly") && x.type !== "hidden"
      && !(x.tagName === "INPUT"
        && (x.closest(".v-slider") || (x.type === "text" && isNaN(parseFloat(x.value)))))
      && (x.closest(".v-slider") ? x.matches(".v-slider") : true)
      && (x.innerText?.trim() || x.tagName !== "BUTTON"
        || !icons.some((icon) => x.querySelector("path")?.getAttribute("d")?.startsWith(icon)))
      && !/^(send|presets)$/i.test(x.innerText?.trim() ?? ""));
  found.forEach((x, index) => x.setAttribute("data-sweep", index));
  return found.map((x) => [x.tagName, x.innerText || x.value || x.className]);
})()
"""
OVERLAY = "document.querySelector('.v-dialog--active, .menuable__content__active')"
PARTS = f"""
(() => {{
  const found = [...({OVERLAY}?.querySelectorAll("button, .v-list-item") ?? [])]
    .filter((x) => x.offsetParent && !x.disabled && !x.matches(".v-list-item--disabled"));
  found.forEach((x, index) => x.setAttribute("data-part", index));
  return found.map((x) => x.innerText.trim());
}})()
"""


def requests(page: Page, since: int) -> list[tuple[str, dict[str, Any]]]:
    """What was asked of the printer, and by which socket."""
    found = []
    for line, text in page.sent[since:]:
        message = json.loads(text)
        for one in message if isinstance(message, list) else [message]:
            if one["method"].startswith("printer.") and "objects" not in one["method"]:
                found.append((line, one))
    return found


def answer(page: Page, socket: str, number: Any) -> Any:
    for line, text in page.received:
        message = json.loads(text) if line == socket else None
        if isinstance(message, dict) and message.get("id") == number and "method" not in message:
            return message
    return None


async def settled(scene: Scene, page: Page, since: int, what: str) -> list[str]:  # noqa: F811
    """Everything asked since then has come to its end; what it was."""
    await asyncio.sleep(0.3)  # an interface may wait a moment before it sends a value
    done = []
    for line, one in requests(page, since):
        script = str(one["params"].get("script") or one["method"])
        for _ in range(1500):
            reply = answer(page, line, one["id"])
            if reply is not None:
                break
            await asyncio.sleep(0.02)
        assert reply is not None, f"{what}: '{script}' was never answered"
        if "error" in reply:
            told = json.dumps("!! " + reply["error"]["message"], ensure_ascii=False)[1:-1]
            assert any(told in text for _, text in page.received), (what, reply)
            seen = json.dumps(reply["error"]["message"][:60])
            await page.until(f"document.body.textContent.includes({seen})", WAIT)
        elif not script.startswith(LOCAL):
            assert scene.director.orders, f"{what}: '{script}' went nowhere"
            scene.director.orders.clear()
        done.append(script)
    return done


async def operate(page: Page, number: int) -> None:
    element = f"document.querySelector('[data-sweep=\"{number}\"]')"
    kind = await page.eval(f"{element}?.offsetParent ? {element}.tagName : ''")
    if kind == "INPUT":
        value = float(await page.eval(f"{element}.value") or 0)
        await page.eval(f"(() => {{ const x = {element}; x.focus(); x.select(); }})()")
        await page.send("Input.insertText", text=str(round(value - 5 if value > 5 else 40)))
        await page.key("Enter", 13)
    elif kind == "DIV":
        await page.click(element, 0.25)
    elif kind:
        await page.eval(f"{element}.click()")


async def test_a_slot_is_given_a_material_and_a_light_is_switched(scene: Scene) -> None:  # noqa: F811
    page = await scene.open("x1c")
    await page.until(says("T0 > A1"), WAIT)
    reel = "document.querySelector('.filamentSpool')"
    await page.until(reel, WAIT)
    await page.click(reel)
    field = "document.querySelector('.v-dialog--active input[placeholder=ABS]')"
    await page.until(field, WAIT)
    await page.eval(f"(() => {{ const x = {field}; x.focus(); x.select(); }})()")
    await page.send("Input.insertText", text="PETG")
    await press_text(page, "Set spool")
    await scene.director.ordered(
        lambda name, order, params: order == "set_filament" and params["material"] == "PETG"
    )
    slot = scene.director.state["x1c"]["filament"]["units"][0]["slots"][0]
    assert (slot["material"], slot["color"]) == ("PETG", "00AE42")
    await page.until("!document.querySelector('.v-dialog--active')", WAIT)
    if scene.interface == "mainsail":
        minus = (
            "[...document.querySelectorAll('.v-slider')].filter((x) => "
            "x.closest('.v-card').innerText.includes('Chamber Light')).pop()"
        )
        await page.until(minus, WAIT)
        await page.click(minus, 0.01)
    else:
        dot = (
            "[...document.querySelectorAll('.row')].filter((x) => "
            "x.innerText.trim() === 'Chamber Light').pop()?.querySelector('.v-icon--link')"
        )
        await page.until(dot, WAIT)
        await page.click(dot)
        await page.until(f"{OVERLAY}?.querySelector('input, .IroSlider')", WAIT)
        await shot(scene, page, "light")
        await page.click(f"{OVERLAY}.querySelector('.IroSlider, .v-slider')", 0.02)
    await scene.director.ordered(lambda name, order, params: order == "light")
    assert page.errors == []


async def test_every_control_ends_at_the_printer_or_in_a_refusal(scene: Scene) -> None:  # noqa: F811
    scene.director.say("x1c", **bambu(state="standby", job=None))
    page = await scene.open("x1c")
    await page.until(says("219.6"), WAIT)
    await page.until(says("T0 > A1"), WAIT)
    scripts: list[str] = []
    controls = await page.eval(OURS)
    for number, (_, label) in enumerate(controls):
        since = len(page.sent)
        await operate(page, number)
        scripts += await settled(scene, page, since, label)
        parts = await page.eval(PARTS)
        for part, words in enumerate(parts):
            if part:  # what was pressed before may have closed it
                await page.eval(PARTS)
            element = f"document.querySelector('[data-part=\"{part}\"]')"
            since = len(page.sent)
            await page.eval(f"{element}?.click()")
            scripts += await settled(scene, page, since, f"{label}: {words}")
            if not await page.eval(f"!!{OVERLAY}"):
                if part + 1 == len(parts):
                    break
                await operate(page, number)
                await asyncio.sleep(0.3)
        await page.key("Escape", 27)
        await page.eval(f"{OVERLAY}?.querySelector('button')?.blur()")
    await shot(scene, page, "every-control")
    words = {script.split()[0] for script in scripts}
    assert {"M106", "SET_FAN_SPEED", "SET_HEATER_TEMPERATURE", "CHANGE_TOOL"} <= words, words
    assert {"SET_READY", "UNLOAD_FILAMENT", "LANE_UNLOAD"} <= words, words
    # both also write a refusal to the browser's console: as its text, and as the bare answer
    ours = [e for e in page.errors if not e.startswith("Response Error") and e != "Object"]
    assert ours == []
