# A printer's answer to our command -> done, or the reason why not
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Correlates answers with our requests by sequence id."""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import Any, Optional

from ...core.errors import CommandRejected
from .protocol import faults
from .protocol.message import Answer
from .protocol.requests import Request

_VERIFY_FAILED = "verify failed"
DEVELOPER_MODE = (
    "the printer takes no commands over the network: switch on LAN mode and developer mode "
    "on its screen"
)


def is_developer_mode_refusal(answer: Answer) -> bool:
    return not answer.success and (
        (answer.error is not None and answer.error & 0xFFFFFFFF in faults.VERIFY_FAILED_ACKS)
        or _VERIFY_FAILED in (answer.reason or "").lower()
    )


def rejection(answer: Answer) -> CommandRejected:
    """The printer's no, in its own words where it gave any."""
    if is_developer_mode_refusal(answer):
        return CommandRejected(DEVELOPER_MODE)
    if answer.error is not None and answer.error & 0xFFFFFFFF in faults.TEXTS:
        return CommandRejected(f"the printer refused: {faults.describe(answer.error & 0xFFFFFFFF)}")
    return CommandRejected(f"the printer refused: {answer.reason or 'no reason given'}")


class Conversation:
    """Open questions of one connection."""

    def __init__(self) -> None:
        # Our numbers must not meet those of other programs on the same printer.
        self._next = secrets.randbelow(1 << 30) + 1_000_000
        self._open: dict[str, asyncio.Future[Answer]] = {}

    def encode(self, request: Request) -> tuple[str, bytes]:
        """(sequence id, payload)"""
        group, body = request
        self._next += 1
        sequence = str(self._next)
        document: dict[str, Any] = {group: {"sequence_id": sequence, **body}}
        return sequence, json.dumps(document).encode()

    def expect(self, sequence: str) -> asyncio.Future[Answer]:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._open[sequence] = future
        return future

    def forget(self, sequence: str) -> None:
        future = self._open.pop(sequence, None)
        if future is not None:
            future.cancel()

    def take(self, answer: Answer) -> bool:
        """True when the answer is to one of our open questions."""
        future: Optional[asyncio.Future[Answer]] = self._open.pop(answer.sequence_id or "", None)
        if future is None or future.done():
            return False
        future.set_result(answer)
        return True

    def clear(self) -> None:
        for sequence in list(self._open):
            self.forget(sequence)
