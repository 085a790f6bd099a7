# Credentials of requests stay out of Moonraker's log
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Moonraker's own logging of requests, as with ``-v``."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest
from moonfleet.request_log import LOGGERS, NoCredentials, protect

CODE = "87654321"


@pytest.fixture
def log(caplog):
    before = {name: list(logging.getLogger(name).filters) for name in LOGGERS}
    protect()
    protect()  # a restart
    caplog.set_level(logging.DEBUG)
    yield caplog
    for name, filters in before.items():
        logging.getLogger(name).filters[:] = filters


@pytest.mark.parametrize("method", ["add", "update", "test"])
def test_parameters_are_left_out(log, method):
    common = pytest.importorskip("moonraker.common")
    rpc = common.JsonRPC(SimpleNamespace(is_verbose_enabled=lambda: True))
    name = f"server.moonfleet.printers.{method}"
    params = {"name": "x1c", "access_code": CODE}
    rpc._log_request({"params": params, "method": name, "id": 1}, common.TransportType.WEBSOCKET)
    logging.debug(f"HTTP Request::POST /server/moonfleet/printers/{method}::{params}")
    logging.getLogger("tornado.access").warning(
        f"400 POST /server/moonfleet/printers/{method}?access_code={CODE} (127.0.0.1) [No User]"
    )
    assert CODE not in log.text
    assert log.text.count("<sanitized>") == 3 and name in log.text
    assert "(127.0.0.1) [No User]" in log.text


def test_everything_else_stays_as_it_is(log):
    common = pytest.importorskip("moonraker.common")
    rpc = common.JsonRPC(SimpleNamespace(is_verbose_enabled=lambda: True))
    call = {"method": "server.moonfleet.print.start", "params": {"filename": "a%b.gcode"}, "id": 1}
    rpc._log_request(call, common.TransportType.WEBSOCKET)
    logging.info("moonfleet: %s of %d", "one", 2)
    assert "a%b.gcode" in log.text and "moonfleet: one of 2" in log.text


def test_there_is_one_filter_after_many_restarts(log):
    for name in LOGGERS:
        kinds = [type(one) for one in logging.getLogger(name).filters]
        assert kinds.count(NoCredentials) == 1
