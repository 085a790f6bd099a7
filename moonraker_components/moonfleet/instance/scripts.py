# Carries out scripts: every step through the fleet, every refusal on the console
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""A refusal is both an RPC error (Fluidd shows it) and a ``!!`` line (Mainsail shows that)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ..core.commands import Action, Command, Verdict
from ..core.errors import MoonfleetError, one_line
from ..core.model import PrintState
from .gcode import EMERGENCY_STOP, HELP, HIDE_MESSAGE, MAX_LINES, Step, translate
from .jsonrpc import RpcError

if TYPE_CHECKING:
    from .printer import VirtualPrinter

__all__ = ["HELP", "ScriptRunner"]

MAX_SCRIPT = 16 * 1024


class ScriptRunner:
    def __init__(self, virtual: VirtualPrinter) -> None:
        self.virtual = virtual

    async def run(self, script: str) -> None:
        """Line by line; the first line that fails ends the script."""
        if len(script) > MAX_SCRIPT:
            raise self._refused(400, "a script has at most 16 kB")
        lines = [line for line in script.splitlines() if line.strip()]
        if len(lines) > MAX_LINES:
            raise self._refused(400, f"a script has at most {MAX_LINES} lines")
        for line in lines:
            self.virtual.console.add(line, time.time(), "command")
        for line in lines:
            step = translate(line, self.virtual.view())
            if step is not None:
                await self._step(step)

    async def _step(self, step: Step) -> None:
        if step.refusal is not None:
            raise self._refused(400, step.refusal)
        if step.say is not None:
            self.virtual.say(step.say)
        if step.local == EMERGENCY_STOP:
            await self.emergency_stop()
        if step.local == HIDE_MESSAGE:
            self.virtual.hide_message()
        for command in step.commands:
            await self.carry_out(command)

    async def carry_out(self, command: Command) -> None:
        """Done means that the printer's own state shows it; everything else is an error."""
        name, word = self.virtual.name, command.action.value
        try:
            result = await self.virtual.command(command)
        except MoonfleetError as fault:
            raise self._refused(fault.status, str(fault)) from fault
        if result.verdict is Verdict.REJECTED:
            raise self._refused(409, f"{name}: '{word}' was refused: {result.reason}")
        if result.verdict is Verdict.UNCONFIRMED:
            raise self._refused(504, f"{name}: '{word}' was sent, but {result.reason}")

    async def emergency_stop(self) -> None:
        name, state = self.virtual.name, self.virtual.printer.snapshot.state
        if state not in (PrintState.PRINTING, PrintState.PAUSED):
            raise self._refused(409, f"NOTHING WAS STOPPED on {name}: no job is running")
        try:
            await self.carry_out(Command(Action.CANCEL))
        except RpcError as fault:
            text = f"NOTHING WAS STOPPED on {name}: {fault.message}"
            if fault.code == 504:
                text = f"{name} was told to stop, but it does not show that it did"
            raise self._refused(fault.code, text) from fault
        self.virtual.say(f"// {name} has stopped its job")

    def _refused(self, code: int, reason: str) -> RpcError:
        text = one_line(reason)
        self.virtual.say(f"!! {text}")
        return RpcError(code, text)
