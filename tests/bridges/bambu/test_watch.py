# The watchdog of a connection, with times handed in
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The windows of real printers: nothing is waited for here."""

from __future__ import annotations

from moonfleet.bridges.bambu.timing import Timing
from moonfleet.bridges.bambu.watch import Step, Watch

TIMING = Timing()


def life(
    watch: Watch, until: float, reports: tuple[float, ...] = (), wants_full: bool = False
) -> list[tuple[float, Step]]:
    """Steps taken with full reports at the given times."""
    found: list[tuple[float, Step]] = []
    pending = sorted(reports)
    now = watch.connected_at
    while now < until:
        now = max(now + 0.01, watch.due(wants_full))
        while pending and pending[0] <= now:
            watch.report(True, pending.pop(0))
            now = min(now, watch.due(wants_full))
        step = watch.step(now, wants_full)
        if step is not None and now <= until:
            found.append((round(now, 1), step))
            if step is Step.GIVE_UP:
                break
    return found


def test_silence_after_reports() -> None:
    steps = life(Watch(TIMING, 0.0), 200.0, reports=(1.0,))
    assert steps == [(61.0, Step.WAKE), (69.0, Step.STALE), (91.0, Step.GIVE_UP)]


def test_silence_from_the_start_is_named_within_twenty_seconds() -> None:
    steps = life(Watch(TIMING, 0.0), 200.0)
    assert steps[0][0] == 10.0
    assert (18.0, Step.STALE) in steps
    assert steps[-1] == (40.0, Step.GIVE_UP)


def test_a_report_ends_the_suspicion() -> None:
    watch = Watch(TIMING, 0.0)
    watch.report(True, 1.0)
    assert watch.step(61.5, False) is Step.WAKE
    watch.report(False, 62.0)
    assert watch.step(75.0, False) is None
    assert watch.due(False) == 122.0


def test_a_delta_before_the_full_report_is_not_used() -> None:
    watch = Watch(TIMING, 0.0)
    assert not watch.report(False, 1.0)
    assert not watch.reported
    assert watch.report(True, 2.0)
    assert watch.report(False, 3.0)
    # a printer that never sends a full one is asked again, then believed
    watch = Watch(TIMING, 0.0)
    assert not watch.report(False, 9.0)
    assert watch.step(10.0, False) is Step.ASK_FULL
    assert watch.report(False, 11.0)


def test_full_reports_are_asked_for_sparingly() -> None:
    watch = Watch(TIMING, 0.0)
    every_second = tuple(float(n) for n in range(1, 3600))
    for now in every_second:
        watch.report(False, now) if now > 1 else watch.report(True, now)
        assert watch.step(now, False) is None
    assert watch.step(3600.0, True) is Step.ASK_FULL
