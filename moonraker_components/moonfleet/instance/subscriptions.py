# What clients watch, and the difference they are told
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Pure: subscriptions are hashable, so that clients which watch the same share one message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from .jsonrpc import bad_params

Objects = Mapping[str, Mapping[str, Any]]
#: ((object name, None for every field or a sorted tuple of fields), ...), sorted by name
Subscription = tuple[tuple[str, Optional[tuple[str, ...]]], ...]

NOTHING: Subscription = ()
MAX_OBJECTS = 512


def parse_subscription(wanted: Mapping[str, Any]) -> Subscription:
    """The ``objects`` parameter of ``printer.objects.subscribe`` or ``query``."""
    if len(wanted) > MAX_OBJECTS:
        raise bad_params(f"at most {MAX_OBJECTS} objects can be watched")
    parsed: list[tuple[str, Optional[tuple[str, ...]]]] = []
    for name, fields in wanted.items():
        if fields is None:
            parsed.append((name, None))
        elif isinstance(fields, list) and all(isinstance(field, str) for field in fields):
            parsed.append((name, tuple(sorted(set(fields)))))
        else:
            raise bad_params(f"the fields of '{str(name)[:60]}' must be null or a list of texts")
    return tuple(sorted(parsed))


def select(objects: Objects, subscription: Subscription) -> dict[str, dict[str, Any]]:
    """Current values of what is watched; unknown objects and fields are left out."""
    chosen: dict[str, dict[str, Any]] = {}
    for name, fields in subscription:
        values = objects.get(name)
        if values is None:
            continue
        if fields is None:
            chosen[name] = dict(values)
        else:
            chosen[name] = {field: values[field] for field in fields if field in values}
    return chosen


def difference(before: Objects, after: Objects) -> dict[str, dict[str, Any]]:
    """Changed fields of ``after``; an object that is gone says nothing, as in Klipper."""
    changes: dict[str, dict[str, Any]] = {}
    for name, values in after.items():
        old = before.get(name)
        if old is values or old == values:
            continue
        if old is None:
            changes[name] = dict(values)
            continue
        changed = {
            field: value
            for field, value in values.items()
            if field not in old or old[field] != value
        }
        if changed:
            changes[name] = changed
    return changes


def merge(target: dict[str, dict[str, Any]], changes: Objects) -> None:
    """Put later changes over earlier ones; bounded by the number of objects and fields."""
    for name, fields in changes.items():
        known = target.get(name)
        if known is None:
            target[name] = dict(fields)
        else:
            known.update(fields)
