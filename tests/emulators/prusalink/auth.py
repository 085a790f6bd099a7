# Digest and API key, checked the way each server checks them
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``check`` answers None when the request may pass, else the refusal."""

from __future__ import annotations

import hashlib
import re
import time
from typing import Optional
from urllib.parse import unquote

from .faults import Faults
from .http import Request, Response

_PAIR = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def fields_of(header: str) -> dict[str, str]:
    return {name.lower(): quoted or plain for name, quoted, plain in _PAIR.findall(header)}


class BuddyAuth:
    """RFC 2069; the user's name, qop, nc and cnonce are not even looked at."""

    realm = "Printer API"
    life = 300.0

    def __init__(self, password: str, faults: Faults) -> None:
        self._password = password
        self._faults = faults
        self.reboot()

    def reboot(self) -> None:
        self._boot = time.monotonic()
        self._seed = hashlib.sha256(str(time.time_ns()).encode()).hexdigest()[:8]

    def hangs(self, request: Request) -> bool:
        header = request.headers.get("authorization", "")
        unquoted = re.search(r'algorithm\s*=\s*[^"\s]', header)
        return self._faults.hang_on_unquoted_algorithm and unquoted is not None

    def check(self, request: Request) -> Optional[Response]:
        key = request.headers.get("x-api-key")
        if key is not None:
            if key == self._password:
                return None
            return self._refuse('ApiKey realm="Printer API"', request)
        header = request.headers.get("authorization", "")
        said = fields_of(header) if header.startswith("Digest ") else {}
        first = md5(f"maker:{self.realm}:{self._password}")
        second = md5(f"{request.method}:{request.target}")
        nonce = said.get("nonce", "")
        right = said.get("response") == md5(f"{first}:{nonce}:{second}")
        if right and self._fresh(nonce):
            return None
        stale = "true" if right else "false"
        return self._refuse(
            f'Digest realm="{self.realm}", nonce="{self._nonce()}", stale={stale}', request
        )

    def _nonce(self) -> str:
        return f"{self._seed}{int((time.monotonic() - self._boot) * 100):08x}"

    def _fresh(self, nonce: str) -> bool:
        if len(nonce) != 16 or nonce[:8] != self._seed:
            return False
        age = time.monotonic() - self._boot - int(nonce[8:], 16) / 100
        life = self.life if self._faults.nonce_life is None else self._faults.nonce_life
        return age <= life

    def _refuse(self, challenge: str, request: Request) -> Response:
        return Response(
            401,
            b"401: Unauthorized\r\n\n",
            "text/plain",
            {"WWW-Authenticate": challenge},
            close=self._faults.close_on_401 or request.method not in ("GET", "HEAD"),
        )


class PythonAuth:
    """MD5-sess with qop=auth; every field is compared, letter by letter."""

    realm = "Administrator"
    life = 60.0

    def __init__(self, user: str, password: str, api_key: str, faults: Faults) -> None:
        self._user, self._password, self._api_key = user, password, api_key
        self._faults = faults
        self.reboot()

    def reboot(self) -> None:
        self._start = str(time.time_ns())

    def hangs(self, request: Request) -> bool:
        return False

    def check(self, request: Request) -> Optional[Response]:
        key = request.headers.get("x-api-key")
        if key is not None:
            if key == self._api_key:
                return None
            return Response(403, b"Bad X-Api-Key.", "text/html; charset=utf-8")
        if request.method == "HEAD":
            return None  # the real one leaks existence the same way
        header = request.headers.get("authorization", "")
        said = fields_of(header) if header.startswith("Digest ") else {}
        return None if self._right(request, said) else self._refuse(request, said)

    def _right(self, request: Request, said: dict[str, str]) -> bool:
        host = request.headers.get("host", "")
        wanted = {
            "algorithm": "MD5-sess",
            "realm": self.realm,
            "qop": "auth",
            "opaque": self._opaque(host),
            "username": self._user,
        }
        if any(said.get(name) != value for name, value in wanted.items()):
            return False
        if not unquote(said.get("uri", "")).endswith(unquote(request.target)):
            return False  # behind a proxy the client signs the longer path
        if said.get("nonce") not in self._nonces(request):
            return False
        return said.get("response") == self._response(request, said)

    def _response(self, request: Request, said: dict[str, str]) -> str:
        nonce, cnonce = said.get("nonce", ""), said.get("cnonce", "")
        first = md5(f"{self._user}:{self.realm}:{self._password}")
        first = md5(f"{first}:{nonce}:{cnonce}")
        second = md5(f"{request.method}:{said.get('uri', '')}")
        return md5(f"{first}:{nonce}:{said.get('nc', '')}:{cnonce}:auth:{second}")

    def _opaque(self, host: str) -> str:
        return hashlib.sha256(host.encode()).hexdigest()

    def _nonces(self, request: Request) -> list[str]:
        """Valid now: of this bucket of time and of the one before."""
        life = self.life if self._faults.nonce_life is None else self._faults.nonce_life
        bucket = int(time.monotonic() / max(life, 1e-3))
        agent = request.headers.get("user-agent", "")
        return [
            hashlib.sha256(f"{agent}:{self._start}:{number}".encode()).hexdigest()[:62]
            for number in (bucket, bucket - 1)
        ]

    def _refuse(self, request: Request, said: dict[str, str]) -> Response:
        # the real one calls a nonce stale without looking at the rest
        known = not said or said.get("nonce") in self._nonces(request)
        stale = "" if known else ",stale=true"
        host = request.headers.get("host", "")
        challenge = (
            f'Digest realm="{self.realm}",qop="auth",algorithm="MD5-sess",'
            f'nonce="{self._nonces(request)[0]}",opaque="{self._opaque(host)}"{stale}'
        )
        page = (
            f"<html><body><h1>401 - Unauthorized</h1><p>Method {request.method}</p></body></html>"
        )
        return Response(
            401, page.encode(), "text/html; charset=utf-8", {"WWW-Authenticate": challenge}
        )
