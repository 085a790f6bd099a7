# HTTP digest as the two PrusaLink servers want it: pure, no I/O
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Buddy knows RFC 2069 only: no qop, no algorithm, and firmware 5.1 never answers a request that
names one. The Python server wants MD5-sess with qop=auth and compares ``algorithm`` letter by
letter. So whatever the challenge leaves out is left out of the answer, and what it says is echoed.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Callable, Optional

from ...core.secret import Secret

_PAIR = re.compile(r'([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_LONGEST = 4096
_REMEMBERED = 32  # signatures that stay the same for the life of a nonce
_ALGORITHMS = frozenset({"MD5", "MD5-SESS"})


@dataclass(frozen=True)
class Challenge:
    realm: str
    nonce: str
    qop: Optional[str] = None
    algorithm: Optional[str] = None
    opaque: Optional[str] = None
    stale: bool = False


def parse_challenge(headers: Iterable[str]) -> Optional[Challenge]:
    """The Digest challenge among the ``WWW-Authenticate`` headers that can be answered, if any."""
    for header in headers:
        start = re.search(r"\bDigest\s", header[:_LONGEST], re.IGNORECASE)
        if start is None:
            continue
        found: dict[str, str] = {}
        for name, quoted, plain in _PAIR.findall(header[start.end() : _LONGEST]):
            found.setdefault(name.lower(), re.sub(r"\\(.)", r"\1", quoted) or plain)
        algorithm = found.get("algorithm")
        offered = [word.strip().lower() for word in found.get("qop", "").split(",")]
        if "nonce" not in found or not _safe(found.values()):
            continue
        if algorithm is not None and algorithm.upper() not in _ALGORITHMS:
            continue
        if "qop" in found and "auth" not in offered:
            continue
        return Challenge(
            realm=found.get("realm", ""),
            nonce=found["nonce"],
            qop="auth" if "qop" in found else None,
            algorithm=algorithm,
            opaque=found.get("opaque"),
            stale=found.get("stale", "").lower() == "true",
        )
    return None


class DigestSigner:
    """Signs requests with the last challenge; nonces are reused until the server calls them stale.

    Neither server counts uses of a nonce, so signing ahead saves a round trip per request.
    """

    def __init__(
        self,
        user: str,
        password: Secret,
        make_cnonce: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        self._user = user
        self._password = password
        self._make_cnonce = make_cnonce
        self._challenge: Optional[Challenge] = None
        self._uses = 0
        self._signed: dict[tuple[str, str], str] = {}

    @property
    def ready(self) -> bool:
        return self._challenge is not None

    def accept(self, challenge: Challenge) -> None:
        self._challenge, self._uses = challenge, 0
        self._signed.clear()

    def sign(self, method: str, target: str) -> Optional[str]:
        """The Authorization header; ``target`` as on the request line. None before a challenge."""
        challenge = self._challenge
        if challenge is None:
            return None
        if challenge.qop is not None or challenge.algorithm is not None:
            return self._signature(challenge, method, target)
        known = self._signed.get((method, target))  # RFC 2069 has nothing that counts
        if known is None:
            if len(self._signed) >= _REMEMBERED:
                self._signed.clear()
            known = self._signed[method, target] = self._signature(challenge, method, target)
        return known

    def _signature(self, challenge: Challenge, method: str, target: str) -> str:
        self._uses += 1
        cnonce = self._make_cnonce()
        session = (challenge.algorithm or "").upper() == "MD5-SESS"
        first = _md5(f"{self._user}:{challenge.realm}:{self._password.reveal()}")
        if session:
            first = _md5(f"{first}:{challenge.nonce}:{cnonce}")
        second = _md5(f"{method}:{target}")
        fields = [
            ("username", _quote(self._user)),
            ("realm", _quote(challenge.realm)),
            ("nonce", _quote(challenge.nonce)),
            ("uri", _quote(target)),
        ]
        if challenge.qop is None:
            response = _md5(f"{first}:{challenge.nonce}:{second}")
            if session:
                fields.append(("cnonce", _quote(cnonce)))
        else:
            uses = f"{self._uses:08x}"
            response = _md5(f"{first}:{challenge.nonce}:{uses}:{cnonce}:{challenge.qop}:{second}")
            fields += [("qop", challenge.qop), ("nc", uses), ("cnonce", _quote(cnonce))]
        if challenge.algorithm is not None:
            fields.append(("algorithm", _quote(challenge.algorithm)))
        if challenge.opaque is not None:
            fields.append(("opaque", _quote(challenge.opaque)))
        fields.append(("response", _quote(response)))
        return "Digest " + ", ".join(f"{name}={value}" for name, value in fields)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode("utf-8"), usedforsecurity=False).hexdigest()


def _quote(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _safe(values: Iterable[str]) -> bool:
    """No value may smuggle a line into our own request."""
    return all(value.isascii() and value.isprintable() for value in values)
