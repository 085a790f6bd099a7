# Errors that speak to the person who has to act
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Messages are one ASCII line: Moonraker puts them into an HTTP reason phrase."""

from __future__ import annotations


class MoonfleetError(Exception):
    """Base of everything that is raised on purpose. ``status`` is the HTTP / JSON-RPC code."""

    status = 400

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


class ConfigFault(MoonfleetError):
    """A section or option is wrong: section, option, value and remedy are in the message."""


class UnknownPrinter(MoonfleetError):
    status = 404


class Forbidden(MoonfleetError):
    """The printer's ``control`` option does not permit this; the message says which would."""

    status = 403


class NotSupported(MoonfleetError):
    """This printer cannot do this, whatever is configured."""

    status = 501


class NotConnected(MoonfleetError):
    status = 503


class AnswerLost(NotConnected):
    """The command went out and the connection broke before an answer: it may have been obeyed."""


class CommandRejected(MoonfleetError):
    """The printer answered no; the message carries its reason."""

    status = 409


def one_line(text: str) -> str:
    """Printable ASCII on one line, at most 400 characters, nothing that could be markup.

    Tornado replaces a whole reason phrase by "Unknown" when it holds a '<'.
    """
    flat = " ".join(str(text).split()).replace("<", "(")
    return flat.encode("ascii", "replace").decode("ascii")[:400]
