# What virtual printers borrow from Moonraker and Tornado
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Filled by ``moonraker_adapter.probe``; nothing is imported here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class HostClasses:
    web_socket: Any
    request_handler: Any
    router: Any
    http_server: Any
    stream: Any
    stream_closed: Any
    http_error: Any
    stream_request_body: Any
    server_error: Any
    parse_ip_address: Any
