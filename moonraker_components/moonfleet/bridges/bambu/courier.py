# From a command to the printer's answer, on one connection
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Sends each command once and waits for what the printer says or shows.

Nothing is queued: without a connection there is nothing to send on.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Any, Callable, Optional

from ...core.commands import ALWAYS_TAKEN, Action, Command
from ...core.errors import AnswerLost, CommandRejected, NotConnected
from ...core.model import Accepts
from ...core.proofs import confirmed
from ..base import Link
from .conversation import DEVELOPER_MODE, Conversation, is_developer_mode_refusal, rejection
from .failures import LinkFailure
from .mqtt import MqttSession
from .protocol import Answer, PrinterReports
from .protocol.requests import MODULES, Request, build
from .timing import Timing

_RUN_IDS = 1 << 31  # names a run that we start, or printers take it for the last one of its name
_DEAF = "the printer sends reports but ignores requests: connecting anew"


class Courier:
    """The sending side of a bridge."""

    def __init__(
        self,
        topic: str,
        reports: PrinterReports,
        timing: Timing,
        clean: Callable[[str], str],
    ) -> None:
        self._topic = topic
        self._reports = reports
        self._timing = timing
        self._clean = clean  # takes out of the printer's words what must not be repeated
        self._session: Optional[MqttSession] = None
        self._conversation = Conversation()
        self._hearing: Optional[asyncio.Task[None]] = None
        self._changed = asyncio.Event()
        self._version_at = 0.0

    # -- the connection --------------------------------------------------------------------

    def attach(self, session: MqttSession) -> None:
        self._session = session

    def detach(self) -> None:
        """The connection is over: whoever waits for an answer learns it."""
        self._session = None
        if self._hearing is not None:
            self._hearing.cancel()
        self._conversation.clear()

    @property
    def connected(self) -> bool:
        return self._session is not None and not self._session.closed.done()

    # -- what the printer says -------------------------------------------------------------

    def changed(self) -> None:
        """A report has come: it may show what a command has done."""
        self._changed.set()

    def heard_version(self) -> None:
        """The one question that every printer answers, whatever its mode, was answered."""
        self._version_at = _now()

    def answered(self, answer: Answer) -> Optional[Accepts]:
        """Take an answer; what it tells about developer mode, if it was to one of our commands."""
        if not self._conversation.take(answer):
            return None
        if is_developer_mode_refusal(answer):
            return Accepts.NO
        return Accepts.YES if answer.success and answer.group == "print" else None

    # -- what we say -----------------------------------------------------------------------

    def publish(self, request: Request) -> Optional[str]:
        """The sequence id under which it was sent, or None."""
        if self._session is None:
            return None
        sequence, payload = self._conversation.encode(request)
        return sequence if self._session.publish(self._topic, payload) else None

    async def carry_out(self, command: Command) -> None:
        """Returns when the printer has said yes, shows the effect, or stays silent."""
        before = self._reports.snapshot
        request = build(command, before, secrets.randbelow(_RUN_IDS - 1) + 1)
        if before.accepts_commands is Accepts.NO and command.action not in ALWAYS_TAKEN:
            raise CommandRejected(DEVELOPER_MODE)
        sequence = self.publish(request)
        if sequence is None:
            raise NotConnected("the connection to the printer was lost")
        if command.action is Action.CANCEL:
            self._reports.own_stop(_now())
        answer = self._conversation.expect(sequence)
        try:
            await self._answer_or_effect(answer, command, before)
        finally:
            self._conversation.forget(sequence)

    async def _answer_or_effect(
        self, answer: asyncio.Future[Answer], command: Command, before: Any
    ) -> None:
        end = _now() + self._timing.answer
        while not answer.done():
            self._changed.clear()
            change = asyncio.ensure_future(self._changed.wait())
            either: list[asyncio.Future[Any]] = [answer, change]
            try:
                await asyncio.wait(
                    either,
                    timeout=max(0.0, end - _now()),
                    return_when=asyncio.FIRST_COMPLETED,
                )
            finally:
                change.cancel()
            if answer.done() or _now() >= end:
                break
            if confirmed(command, before, self._reports.snapshot):
                return
        if not answer.done():
            self._check_hearing()
        if answer.cancelled():
            raise AnswerLost("the connection to the printer was lost; it may have obeyed")
        if answer.done() and not answer.result().success:
            failure = rejection(answer.result())
            raise CommandRejected(self._clean(str(failure)))

    def _check_hearing(self) -> None:
        """No answer and no effect: some connections report for ever but take no requests."""
        session = self._session
        if session is not None and (self._hearing is None or self._hearing.done()):
            self._hearing = asyncio.ensure_future(self._test_hearing(session))

    async def _test_hearing(self, session: MqttSession) -> None:
        asked = _now()
        self.publish(MODULES)
        await asyncio.sleep(self._timing.patience)
        if session is self._session and self._version_at < asked:
            session.close(LinkFailure(Link.FAULT, _DEAF))


def _now() -> float:
    return asyncio.get_running_loop().time()
