# No reply of a virtual printer is null, a number or a truth value
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Fluidd defines a property on every result, and throws where it cannot."""

from __future__ import annotations

import json
from typing import Any

from moonfleet.instance.router import Router

from .house import House


class Caller:
    need_auth = False

    async def delegate(self, request: Any) -> None:
        raise AssertionError("nothing is delegated here")


async def test_a_handler_without_an_answer_answers_ok():
    async def nothing(_request: Any) -> None:
        return None

    router = Router("x1c", {"server.nothing": nothing})
    caller: Any = Caller()
    reply = await router.dispatch('{"jsonrpc":"2.0","method":"server.nothing","id":7}', caller)
    assert reply is not None
    assert json.loads(reply) == {"jsonrpc": "2.0", "id": 7, "result": "ok"}


async def test_no_method_answers_with_null_or_a_bare_value():
    house = await House().start()
    try:
        methods = house.virtual.router.handlers
        assert len(methods) > 40
        for method in methods:
            reply = await house.call(method)
            if "result" in reply:
                assert isinstance(reply["result"], (dict, list, str)), (method, reply)
            else:
                assert isinstance(reply["error"]["message"], str), (method, reply)
                assert reply["error"]["code"] != 500, (method, reply)
    finally:
        await house.stop()
