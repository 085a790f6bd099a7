# A short life with many faults
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``python -m tests.bridges.bambu.soak`` lives longer."""

from __future__ import annotations

from .soak import soak


async def test_no_job_is_lost_or_doubled_whatever_happens() -> None:
    book = await soak(hours=4.0, seed=7)
    assert len(book.real) >= 4
    assert book.faults() == []
