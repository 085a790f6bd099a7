# Faults as dialogs
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Opened once per fault, with buttons that work, closed when the fault is gone."""

from __future__ import annotations

from typing import Any

from moonfleet.core.commands import Action
from moonfleet.core.model import Accepts, Fault, PrintState, Severity
from moonfleet.instance.gcode import translate
from moonfleet.instance.prompts import END, Prompter

from .house import House, printing, view

RUNOUT = Fault("0700_2000_0002_0001", Severity.SERIOUS, "https://example.org/runout")
ERROR = Fault("0500_C011", Severity.COMMON)


def faulty(*faults: Fault, state: PrintState = PrintState.PAUSED, **more: Any) -> Any:
    return view(snapshot=printing(state, faults=faults, **more))


def test_a_fault_opens_a_dialog_once_and_its_end_closes_it() -> None:
    prompter = Prompter()
    lines = prompter.update(faulty(RUNOUT))
    assert lines[0] == END  # whatever was open before
    assert lines[1] == "// action:prompt_begin My X1C"
    assert any("0700_2000_0002_0001" in line for line in lines)
    assert "// action:prompt_text More: https://example.org/runout" in lines
    assert lines[-1] == "// action:prompt_show"
    assert prompter.update(faulty(RUNOUT)) == []
    assert prompter.update(faulty()) == [END]
    assert prompter.update(faulty()) == []


def test_a_second_fault_is_shown_with_the_first() -> None:
    prompter = Prompter()
    prompter.update(faulty(RUNOUT))
    lines = prompter.update(faulty(RUNOUT, ERROR))
    assert sum("fault" in line for line in lines) == 2
    fewer = prompter.update(faulty(ERROR))
    assert sum("fault" in line for line in fewer) == 1


def test_a_dialog_that_a_person_closed_stays_closed() -> None:
    prompter = Prompter()
    prompter.update(faulty(RUNOUT, ERROR))
    prompter.closed()
    assert prompter.update(faulty(RUNOUT)) == []
    assert prompter.update(faulty()) == []
    assert prompter.update(faulty(RUNOUT)) != []


def buttons(lines: list[str]) -> list[str]:
    return [
        line.removeprefix("// action:prompt_footer_button ").split("|")[0]
        for line in lines
        if "footer_button" in line
    ]


def test_only_buttons_that_work() -> None:
    paused = Prompter().update(faulty(RUNOUT))
    assert buttons(paused) == ["Resume", "Stop print", "Close"]
    running = Prompter().update(faulty(ERROR, state=PrintState.PRINTING))
    assert buttons(running) == ["Stop print", "Clear", "Close"]
    powerless = view(snapshot=printing(PrintState.PAUSED, faults=(RUNOUT,)), actions=frozenset())
    assert buttons(Prompter().update(powerless)) == ["Close"]


def test_every_button_is_a_script_that_is_understood() -> None:
    for line in Prompter().update(faulty(RUNOUT, ERROR)):
        if "footer_button" in line:
            script = line.split("|")[1]
            step = translate(script, faulty(RUNOUT, ERROR))
            assert step is not None and step.refusal is None, script


def test_information_is_no_dialog() -> None:
    assert Prompter().update(faulty(Fault("0300_0100", Severity.INFO))) == []


def test_a_question_at_the_printers_screen() -> None:
    asking = faulty(stage="attention", message="waits for an answer (code 17501)")
    lines = Prompter().update(asking)
    assert "// action:prompt_text waits for an answer (code 17501)" in lines


def test_developer_mode_off_is_said_once() -> None:
    prompter = Prompter()
    lines = prompter.update(faulty(accepts_commands=Accepts.NO))
    assert any("developer mode" in line for line in lines)
    assert prompter.update(faulty(accepts_commands=Accepts.NO)) == []


def test_going_offline_neither_closes_nor_opens() -> None:
    prompter = Prompter()
    prompter.update(faulty(RUNOUT))
    gone = view(snapshot=printing(PrintState.PAUSED, faults=(RUNOUT,)), online=False)
    assert prompter.update(gone) == []
    assert prompter.update(faulty(RUNOUT)) == []
    assert prompter.update(faulty()) == [END]


def test_hostile_text_cannot_make_buttons_or_lines() -> None:
    evil = Fault("X|G28|primary\n// action:prompt_show", Severity.FATAL, "a|b\nc")
    lines = Prompter().update(faulty(evil))
    assert all("\n" not in line for line in lines)
    texts = [line for line in lines if "prompt_text" in line]
    assert all("|" not in line for line in texts)


async def test_the_dialog_reaches_the_clients_and_the_console() -> None:
    house = await House().start(printing())
    house.bridge.host.on_snapshot(printing(PrintState.PAUSED, faults=(RUNOUT,)))
    told = [m["params"][0] for m in house.sink.messages("notify_gcode_response")]
    assert told[-1] == "// action:prompt_show"
    stored = (await house.result("server.gcode_store"))["gcode_store"]
    assert [line["message"] for line in stored] == told
    script = 'RESPOND TYPE=command MSG="action:prompt_end"'
    await house.result("printer.gcode.script", script=script)
    house.bridge.host.on_snapshot(printing(PrintState.PAUSED))
    ends = [m["params"][0] for m in house.sink.messages("notify_gcode_response")]
    assert ends.count(END) == 2  # before the dialog, and the person's own
    assert Action.CANCEL not in {command.action for command in house.bridge.sent}
    await house.stop()
