# The options of a [moonfleet <name>] section of type prusalink
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Read once, handed on frozen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...core.errors import ConfigFault
from ...core.secret import Secret
from ..base import OptionReader, PrinterSettings

DEFAULT_PORT = 80
DEFAULT_USER = "maker"
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")


def _nothing() -> Secret:
    return Secret("")


@dataclass(frozen=True)
class Credentials:
    """Either an API key or a user with a password."""

    user: str = DEFAULT_USER
    password: Secret = field(default_factory=_nothing)
    api_key: Secret = field(default_factory=_nothing)

    def scrub(self, text: str) -> str:
        """``text`` from the wire without our own secrets, should a server echo them."""
        for secret in (self.password, self.api_key):
            if secret:
                text = text.replace(secret.reveal(), "<secret>")
        return text


@dataclass(frozen=True)
class Address:
    host: str
    port: int
    prefix: str = ""  # "/like/this", for a server behind a reverse proxy

    @property
    def netloc(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def __str__(self) -> str:
        return self.netloc + self.prefix


def parse_options(reader: OptionReader) -> Mapping[str, Any]:
    section = f"[{reader.section}] option"
    user = reader.text("user", DEFAULT_USER)
    password, api_key = reader.secret("password"), reader.secret("api_key")
    model = reader.text("model")
    prefix = "/".join(["", *reader.text("path_prefix").strip("/").split("/")]).rstrip("/")
    if password and api_key:
        raise ConfigFault(f"{section} 'api_key': password is given too; keep one of the two")
    if not password and not api_key:
        raise ConfigFault(
            f"{section} 'password': is missing; copy it from the printer's menu "
            "Settings > Network > PrusaLink, or add 'api_key: ...'"
        )
    if ":" in user or not user.isprintable() or len(user) > 64:
        raise ConfigFault(
            f"{section} 'user': '{user[:64]}' cannot be a user name; "
            f"use the one PrusaLink shows, mostly '{DEFAULT_USER}'"
        )
    if not _PREFIX.fullmatch(prefix):
        raise ConfigFault(
            f"{section} 'path_prefix': '{prefix[:60]}' is no plain path; "
            "write it like /mk3, as in the address of PrusaLink's own page"
        )
    if len(model) > 40 or not model.isprintable():
        raise ConfigFault(f"{section} 'model': is too long; use up to 40 characters")
    return {
        "credentials": Credentials(user, password, api_key),
        "model": model or None,
        "path_prefix": prefix,
    }


def address_of(settings: PrinterSettings) -> Address:
    return Address(
        settings.host,
        settings.port or DEFAULT_PORT,
        str(settings.options.get("path_prefix", "")),
    )
