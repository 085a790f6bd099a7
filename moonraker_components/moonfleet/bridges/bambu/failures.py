# Why there is no connection, in words that tell what to do
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""A failure names the state of the wire and one sentence for the person who has to act."""

from __future__ import annotations

from ..base import Link


class LinkFailure(Exception):
    """The connection could not be made, or ended. ``message`` never contains a credential."""

    def __init__(self, link: Link, message: str) -> None:
        super().__init__(message)
        self.link = link
        self.message = message


#: CONNACK codes of MQTT 3.1.1, and what paho-mqtt 2 makes of them
BAD_CREDENTIALS = frozenset({4, 5, 134, 135})
SERVER_UNAVAILABLE = frozenset({3, 136})


def connack_failure(code: int) -> LinkFailure:
    if code in BAD_CREDENTIALS:
        return LinkFailure(
            Link.AUTH_FAILED,
            "the printer refused the access code: copy it again from the printer's screen "
            "(it changes whenever LAN mode is switched)",
        )
    if code in SERVER_UNAVAILABLE:
        return LinkFailure(
            Link.REFUSED, "the printer has no room for another connection: close other programs"
        )
    return LinkFailure(Link.FAULT, f"the printer refused the MQTT connection (code {code})")
