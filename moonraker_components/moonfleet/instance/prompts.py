# Faults as dialogs in both interfaces
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Pure: console lines that open, change and close a prompt; once per fault, with buttons that work.

Prompts are stored with the console and open again on every page load until they are ended, so a
dialog is ended as soon as its reason is gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ..core.commands import Action
from ..core.model import Accepts, PrintState, Severity
from .view import View

END = "// action:prompt_end"
ATTENTION = "attention"  # PrusaLink's word for "answer at the printer's screen"
JOB_STATES = (PrintState.PRINTING, PrintState.PAUSED)
PRINT_ERROR_LENGTH = len("0500_C011")  # the codes that can be cleared by command
MAX_TEXT = 200


@dataclass(frozen=True)
class Notice:
    key: str
    text: str
    url: Optional[str] = None
    clears: bool = False  # whether CLEAR_ERROR closes it on the printer


def notices(view: View) -> list[Notice]:
    """What a person should know of now; information only is not worth a dialog."""
    snapshot, found = view.snapshot, []
    if not view.online:
        return []
    for fault in snapshot.faults:
        if fault.severity is not Severity.INFO:
            text = f"{fault.severity.value.capitalize()} fault {fault.code}"
            if snapshot.message and len(snapshot.faults) == 1:
                text = f"{snapshot.message} ({text})"
            clears = len(fault.code) == PRINT_ERROR_LENGTH
            found.append(Notice(fault.code, text, fault.url, clears))
    if snapshot.stage == ATTENTION and not found:
        text = snapshot.message or "the printer waits for an answer at its own screen"
        found.append(Notice(f"{ATTENTION} {text}", text))
    if snapshot.accepts_commands is Accepts.NO:
        text = (
            "The printer shows what it does but takes no commands. Switch its developer mode on, "
            "at its own screen, to control it from here."
        )
        found.append(Notice("developer_mode", text))
    return found


class Prompter:
    """Remembers what was shown; ``update`` returns the lines to say now."""

    def __init__(self) -> None:
        self._shown: frozenset[str] = frozenset()
        self._open = False

    def closed(self) -> None:
        """A person closed the dialog; only a new fault opens it again."""
        self._open = False

    def update(self, view: View) -> list[str]:
        found = notices(view)
        keys = frozenset(notice.key for notice in found)
        if keys == self._shown:
            return []
        new = keys - self._shown
        if not view.online:
            return []  # whether a fault is still there is not known
        self._shown = keys
        if new or (keys and self._open):
            self._open = True
            return [END, *_dialog(view, found)]
        if self._open:
            self._open = False
            return [END]
        return []


def _dialog(view: View, found: list[Notice]) -> list[str]:
    lines = [f"// action:prompt_begin {_plain(view.display_name or view.name)}"]
    for notice in found:
        lines.append(f"// action:prompt_text {_plain(notice.text)}")
        if notice.url:
            lines.append(f"// action:prompt_text More: {_plain(notice.url)}")
    for label, script, color in _buttons(view, found):
        lines.append(f"// action:prompt_footer_button {label}|{script}|{color}")
    return [*lines, "// action:prompt_show"]


def _buttons(view: View, found: list[Notice]) -> list[tuple[str, str, str]]:
    """Only what the printer can do in its present state."""
    state, buttons = view.snapshot.state, []
    if state is PrintState.PAUSED and view.can(Action.RESUME):
        buttons.append(("Resume", "RESUME", "primary"))
    if state in JOB_STATES and view.can(Action.CANCEL):
        buttons.append(("Stop print", "CANCEL_PRINT", "error"))
    if any(notice.clears for notice in found) and view.can(Action.CLEAR_ERROR):
        buttons.append(("Clear", "CLEAR_ERROR", "warning"))
    buttons.append(("Close", 'RESPOND TYPE=command MSG="action:prompt_end"', "secondary"))
    return buttons


def _plain(text: str) -> str:
    """One short line without the separator of buttons."""
    return " ".join(text.replace("|", "/").split())[:MAX_TEXT]
