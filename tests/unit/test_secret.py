# A credential does not show itself, whatever is done with the object around it
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Every way in which a value usually ends up in a log, a reply or a file."""

from __future__ import annotations

import dataclasses
import io
import json
import logging
import pickle
import traceback
from typing import Callable

import pytest
from moonfleet.core.secret import Secret

WORD = "correct-horse-battery"


@dataclasses.dataclass
class Options:
    host: str
    password: Secret


@pytest.mark.parametrize(
    "show",
    [
        str,
        repr,
        lambda secret: f"{secret}",
        lambda secret: f"{secret!r:>40}",
        lambda secret: format(secret, ">40"),
        lambda secret: "%s %r" % (secret, secret),  # noqa: UP031 (as the logging module does)
        lambda secret: repr(Options("printer", secret)),
        lambda secret: repr([{"password": secret}]),
        lambda secret: json.dumps({"password": secret}, default=str),
    ],
)
def test_no_way_of_writing_shows_it(show: Callable[[Secret], str]):
    assert WORD not in show(Secret(WORD))


def test_a_log_line_and_a_traceback_do_not_show_it():
    out = io.StringIO()
    logger = logging.Logger("test")
    logger.addHandler(logging.StreamHandler(out))
    secret = Secret(WORD)
    logger.warning("connecting with %s, %r", secret, Options("printer", secret))
    try:
        raise ValueError(secret)
    except ValueError:
        logger.exception("it failed")
        out.write(traceback.format_exc())
    assert "connecting with" in out.getvalue() and WORD not in out.getvalue()


def test_it_does_not_get_into_a_file():
    with pytest.raises(TypeError, match="never"):
        pickle.dumps(Secret(WORD))
    with pytest.raises(TypeError):
        json.dumps(Secret(WORD))


def test_it_can_still_be_used():
    secret = Secret(WORD)
    assert secret.reveal() == WORD
    assert secret == Secret(WORD) and secret != Secret("another") and secret != WORD
    assert hash(secret) == hash(Secret(WORD))
    assert secret and not Secret("")
