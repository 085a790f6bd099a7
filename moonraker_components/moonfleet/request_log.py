# Keeps credentials of requests out of Moonraker's log
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Started with ``-v``, Moonraker logs every request with its parameters; a request that fails is
logged with its URL always. It leaves out its own passwords only."""

from __future__ import annotations

import logging
import re

METHOD = re.compile(r"server[./]moonfleet[./]printers[./](?:add|update|test)\b")
QUERY = re.compile(r"\?\S*")
LOGGERS = ("", "tornado.access")  # whose own records are looked at


class NoCredentials(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        text = record.msg
        if isinstance(text, str) and "moonfleet" in text and METHOD.search(text):
            head, mark, _ = text.partition("Received::")
            if not mark:
                head, mark, _ = text.partition("HTTP Request::")
            if mark:
                record.msg, record.args = f"{head}{mark}{METHOD.findall(text)[0]} <sanitized>", ()
            else:
                record.msg = QUERY.sub("?<sanitized>", text)
        return True


def protect() -> None:
    """Loggers outlive a restart inside the process: the filter of an earlier life goes."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        for old in list(logger.filters):
            if type(old).__qualname__ == NoCredentials.__qualname__:
                logger.removeFilter(old)
        logger.addFilter(NoCredentials())
