# What can be made to go wrong
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Every field is off by default and may be changed while the emulator runs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Optional


@dataclass
class Faults:
    nonce_life: Optional[float] = None  # seconds instead of the server's own 300 or 60
    close_on_401: bool = False  # Buddy closes after any 401, not only on a body request
    slow: float = 0.0  # seconds before each reply
    hang_on_unquoted_algorithm: bool = False  # firmware 5.1
    finish_window: Optional[float] = None  # seconds of FINISHED on the Python server, 11 if None
    html: bool = False  # a web page instead of every answer
    html_500: bool = False  # the same as an internal error
    starting: bool = False  # 503: the printer object does not exist yet
    truncated: bool = False  # half of the JSON
    wrong_types: bool = False  # every number a text, every object a list
    endless: bool = False  # a body that never ends
    garbage: bool = False  # no HTTP at all
    redirect: Optional[str] = None  # to this address
    drop: bool = False  # close the connection instead of answering
    hang: bool = False  # accept, then say nothing
    drop_idle: bool = False  # close each kept-alive connection after its reply, unannounced
    ready_500: bool = False  # DELETE /api/printer/ready as recorded
    late_files: float = 0.0  # seconds until an upload shows; the Python server scans each second
    free_space: Optional[int] = None  # bytes left; the Python server says so, a Buddy never does
    no_storage: bool = False  # the stick is not plugged in
    stalled: Optional[asyncio.Event] = None  # an upload is not read on before this is set
