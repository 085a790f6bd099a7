# What can go wrong with a printer, to be switched on while it runs
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Every field may be changed at any time; the emulator looks at it when it matters."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Faults:
    deltas_only: bool = False  # pushall is never answered
    no_puback: bool = False
    no_acks: bool = False
    ack_delay: float = 0.0
    cancel_echo: str = "model"  # before, after, none, or as the model does
    silent: bool = False  # accepts everything, publishes nothing
    deaf: bool = False  # publishes, but ignores every request
    stopped: bool = False  # somebody sent pushing.stop; pushing.start ends it
    developer_mode: bool = True
    drop_without_param: bool = False
    garbage: bool = False  # broken JSON, wrong types and foreign messages between the reports
    raw_garbage: bool = False  # bytes that are no MQTT at all, after the subscription
    big_pushes: bool = False  # 32 KiB per full report
    oversized: bool = False  # announces a packet of 200 MiB
    reject_all: bool = False  # CONNACK 5 whatever the code
    full: bool = False  # CONNACK 3: no room for another client
    expired: bool = False  # certificate out of date (before start)
    foreign: bool = False  # certificate of another printer (before start)
