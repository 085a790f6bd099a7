# Addresses that open one camera for a while, without a login
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Pure. An ``<img>`` carries neither header nor token, so the address itself must be proof.

Only who may see the list of webcams is told one. It holds no credential, opens nothing but this
printer's pictures, ends by itself, and a restart ends all of them: the key is of this process.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from typing import Callable

STEP = 1800  # s; addresses change this often, so that two requests soon after another agree
STEPS = 2  # an address is good for one to two steps


class Signer:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` need not tell the time of day: nobody else reads these moments."""
        self._clock = clock
        self._key = secrets.token_bytes(32)

    def query(self, printer: str) -> str:
        """What makes an address of this printer's camera valid."""
        expires = (int(self._clock()) // STEP + STEPS) * STEP
        return f"expires={expires}&signature={self._signature(printer, str(expires))}"

    def valid(self, printer: str, expires: str, signature: str) -> bool:
        if not (expires.isascii() and expires.isdigit() and len(expires) < 20):
            return False
        expected = self._signature(printer, expires).encode()
        if not hmac.compare_digest(expected, signature.encode("utf-8", "replace")):
            return False
        return self._clock() < int(expires)

    def _signature(self, printer: str, expires: str) -> str:
        text = f"{expires}:{printer}".encode("utf-8", "surrogatepass")
        return hmac.new(self._key, text, hashlib.sha256).hexdigest()
