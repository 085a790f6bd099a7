# Numbers among a request's parameters: used, held within bounds, or one clear sentence
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Over HTTP everything arrives as text, over JSON-RPC as anything."""

from __future__ import annotations

from typing import Any

import pytest
from moonfleet.arguments import BadArgument, number, whole


@pytest.mark.parametrize(("given", "value"), [(None, 50), ("7", 7), (7.9, 7), (0, 1), (1e12, 500)])
def test_a_whole_number_is_held_within_its_bounds(given: Any, value: int):
    assert whole({"limit": given}, "limit", 50, 1, 500) == value


def test_what_is_missing_has_its_default():
    assert number({}, "since") is None
    assert number({}, "seconds", 5.0) == 5.0
    assert number({"since": "1795180000.5"}, "since") == 1795180000.5


@pytest.mark.parametrize("given", ["abc", "", True, {"a": 1}, [1], "nan", float("inf"), 10**400])
def test_anything_else_is_one_sentence(given: Any):
    with pytest.raises(BadArgument) as caught:
        whole({"limit": given}, "limit", 50, 1, 500)
    assert str(caught.value).startswith("limit: '") and "is not a number" in str(caught.value)
    assert caught.value.status == 400 and "<" not in str(caught.value)
