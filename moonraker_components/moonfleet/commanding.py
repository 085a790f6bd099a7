# From a request to a proof: permission, capability, state, send, wait
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The one place where it is decided whether a command goes out, and what became of it.

Nothing is ever sent twice: a repeated "stop" minutes later is dangerous. The same request made
again while the first one is still waiting for its proof shares that one's answer.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from .core.commands import (
    Action,
    Command,
    CommandResult,
    Verdict,
    needed_control,
    permits,
    wrong_state,
)
from .core.errors import (
    AnswerLost,
    CommandRejected,
    Forbidden,
    NotConnected,
    NotSupported,
    one_line,
)
from .core.proofs import confirmed, provable

if TYPE_CHECKING:
    from .member import Member

UNSEEN = "the printer's state cannot show whether it worked"
SEND_TIMEOUT = 30.0  # s; a bridge that hangs in send() must not hold the caller for ever


class Commander:
    """Carries out the commands of one printer."""

    def __init__(self, member: Member) -> None:
        self._member = member
        self._running: dict[str, asyncio.Task[CommandResult]] = {}

    async def run(self, command: Command, origin: str) -> CommandResult:
        """Raises ``Forbidden``, ``NotSupported``, ``NotConnected``; otherwise a verdict."""
        self._check(command)
        key = command.action.value + json.dumps(dict(command.params), sort_keys=True, default=str)
        task = self._running.get(key)
        if task is None:
            task = asyncio.ensure_future(self._carry_out(command, origin))
            self._running[key] = task
            task.add_done_callback(lambda _: self._running.pop(key, None))
        # a caller that goes away must not cancel what the printer is already doing
        return await asyncio.shield(task)

    async def stop(self) -> None:
        for task in list(self._running.values()):
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    def _check(self, command: Command) -> None:
        printer, action = self._member.printer, command.action
        section = f"[moonfleet {printer.name}]"
        if self._member.bridge is None:
            raise NotConnected(f"{printer.name}: {printer.connection.message or 'not running'}")
        if action not in printer.bridge_actions:
            raise NotSupported(f"{printer.name}: this type of printer cannot do '{action.value}'")
        if not permits(printer.settings.control, action):
            needed = needed_control(action).value
            raise Forbidden(
                f"{printer.name}: '{action.value}' is not permitted;"
                f" 'control: {needed}' in {section} would permit it"
            )
        if not printer.online:
            reason = printer.connection.message or printer.connection.state.value
            raise NotConnected(f"{printer.name}: not connected: {reason}")

    async def _carry_out(self, command: Command, origin: str) -> CommandResult:
        member = self._member
        bridge = member.bridge
        assert bridge is not None  # checked by _check, and a bridge never goes away
        before = member.printer.snapshot
        reason = wrong_state(command, before)
        if reason is not None:
            return self._told(command, origin, Verdict.REJECTED, reason)
        proof = member.expect(lambda now: confirmed(command, before, now))
        try:
            await asyncio.wait_for(bridge.send(command), SEND_TIMEOUT)
            if command.action is Action.CANCEL:
                member.user_cancel()
            if not provable(command):
                return self._told(command, origin, Verdict.UNCONFIRMED, UNSEEN)
            await member.refresh()
            await asyncio.wait_for(proof, bridge.confirm_timeout)
        except CommandRejected as error:
            return self._told(command, origin, Verdict.REJECTED, str(error))
        except AnswerLost as error:
            if command.action is Action.CANCEL:
                member.user_cancel()
            return self._told(command, origin, Verdict.UNCONFIRMED, str(error))
        except asyncio.TimeoutError:
            reason = "the printer's state did not show it in time"
            if not member.printer.online:
                reason = "the connection was lost before the printer's state showed it"
            return self._told(command, origin, Verdict.UNCONFIRMED, reason)
        finally:
            proof.cancel()
        return self._told(command, origin, Verdict.ACCEPTED, None)

    def _told(
        self, command: Command, origin: str, verdict: Verdict, reason: str | None
    ) -> CommandResult:
        text = None if reason is None else one_line(reason)
        result = CommandResult(verdict, text, self._member.printer.snapshot.state)
        self._member.command_done(command, origin, result)
        return result
