# Who is at the other end: certificate name, pin and CA, before any credential is sent
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""TLS contexts and the check of a printer's certificate.

A printer's certificate names its serial as CN and nothing else, so host names are of no use: the CN
is compared with the serial, exactly. The leaf may be X.509 v1 and its CA without key usage, which
strict checking would refuse; an intermediate in ``ca_file`` suffices as an anchor.
"""

from __future__ import annotations

import functools
import hashlib
import os
import ssl
from dataclasses import dataclass
from typing import Optional

from ..base import Link
from .failures import LinkFailure

MODES = ("verify", "pin", "insecure")
_PARTIAL_CHAIN = 0x80000  # X509_V_FLAG_PARTIAL_CHAIN; the ssl module names it from 3.10 on
_CODE_EXPIRED, _CODE_NOT_YET = 10, 9
_COMMON_NAME = b"\x06\x03\x55\x04\x03"  # OID 2.5.4.3, DER encoded


@functools.lru_cache(maxsize=16)
def context_for(
    ca_file: Optional[str], ftps: bool = False, written: Optional[int] = None
) -> ssl.SSLContext:
    """One context for all printers that can share it; a default context costs 800 KiB each.

    ``written`` (the file's time of change) makes a replaced ``ca_file`` another context.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ftps:  # newer printers offer TLS 1.3 there and then fail to resume the session
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    if ca_file is None:
        context.verify_mode = ssl.CERT_NONE
        return context
    context.verify_mode = ssl.CERT_REQUIRED
    flags = int(context.verify_flags) | _PARTIAL_CHAIN
    context.verify_flags = ssl.VerifyFlags(flags & ~int(ssl.VERIFY_X509_STRICT))
    context.load_verify_locations(cafile=ca_file)
    return context


@dataclass(frozen=True)
class Trust:
    """How one printer's certificate is judged."""

    mode: str
    serial: str
    ca_file: Optional[str] = None

    def context(self) -> ssl.SSLContext:
        return self._context(ftps=False)

    def ftps_context(self) -> ssl.SSLContext:
        return self._context(ftps=True)

    def _context(self, ftps: bool) -> ssl.SSLContext:
        if self.mode != "verify":
            return context_for(None, ftps)
        if not self.ca_file:
            raise LinkFailure(
                Link.CONFIG_ERROR, "tls: verify needs ca_file: name the printer's CA, or use pin"
            )
        try:
            return context_for(self.ca_file, ftps, os.stat(self.ca_file).st_mtime_ns)
        except (OSError, ssl.SSLError):
            raise LinkFailure(
                Link.CONFIG_ERROR, "ca_file cannot be read as PEM certificates: check its path"
            ) from None

    def knows(self, pin: Optional[str]) -> bool:
        """Whether a certificate of this printer is remembered, or a CA answers for it."""
        if self.mode == "pin":
            return pin is not None and same_serial(pin, fingerprint(self.serial, b""))
        return self.mode == "verify"

    def judge(self, certificate: Optional[bytes], pin: Optional[str]) -> Optional[str]:
        """Raise unless this is our printer; the pin to remember on a first contact, or None."""
        if self.mode == "insecure":
            return None
        if not certificate:
            raise LinkFailure(Link.TLS_ERROR, "the printer showed no certificate")
        name = common_name(certificate)
        if name != self.serial:
            raise LinkFailure(
                Link.TLS_ERROR,
                "the certificate belongs to another device than the configured serial: check host "
                "and serial; the access code was not sent",
            )
        if self.mode == "verify":
            return None
        found = fingerprint(self.serial, certificate)
        if pin is None or not same_serial(pin, found):
            return found
        if pin != found:
            raise LinkFailure(
                Link.TLS_ERROR,
                "the printer's certificate is not the one remembered: if it was reset or repaired, "
                "pin it again; the access code was not sent",
            )
        return None


def judge_known(trust: Trust, certificate: Optional[bytes], pin: Optional[str]) -> None:
    """For camera and files: the first contact is MQTT's alone, they follow what it remembered."""
    trust.judge(certificate, pin)
    if trust.mode == "pin" and not trust.knows(pin):
        raise LinkFailure(
            Link.TLS_ERROR,
            "no certificate of the printer is remembered yet: wait until it is online; the access "
            "code was not sent",
        )


def fingerprint(serial: str, certificate: bytes) -> str:
    """What is remembered: the printer (hashed) and its leaf certificate."""
    owner = hashlib.sha256(serial.encode()).hexdigest()[:16]
    return f"{owner}:{hashlib.sha256(certificate).hexdigest()}"


def same_serial(one: str, other: str) -> bool:
    return one.split(":")[0] == other.split(":")[0]


def handshake_failure(error: Exception) -> LinkFailure:
    """What went wrong in a handshake, in words that tell what to do."""
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in (_CODE_EXPIRED, _CODE_NOT_YET):
            return LinkFailure(
                Link.TLS_ERROR,
                "the certificate is out of date: check the time of this host",
            )
        return LinkFailure(
            Link.TLS_ERROR,
            "no CA in ca_file has signed the certificate: add the printer's CA or use tls: pin",
        )
    return LinkFailure(Link.TLS_ERROR, "the TLS handshake failed: is this port the printer's MQTT?")


def common_name(certificate: bytes) -> Optional[str]:
    """CN of the subject. Without a CA, the ssl module hands out only the raw DER."""
    try:
        _, body, _ = _element(certificate, 0)  # Certificate
        _, tbs, _ = _element(certificate, body[0])
        position, fields = tbs[0], 0
        while position < tbs[1]:
            tag, span, position = _element(certificate, position)
            if tag == 0xA0:  # the version, absent in v1
                continue
            fields += 1
            if fields == 5:  # serial number, algorithm, issuer, validity, subject
                return _name_value(certificate[span[0] : span[1]])
    except IndexError:
        return None
    return None


def _name_value(name: bytes) -> Optional[str]:
    found = name.find(_COMMON_NAME)
    if found < 0:
        return None
    _, span, _ = _element(name, found + len(_COMMON_NAME))
    return name[span[0] : span[1]].decode("utf-8", "replace")


def _element(data: bytes, position: int) -> tuple[int, tuple[int, int], int]:
    """One DER element: its tag, the span of its content, where the next one begins."""
    tag, length, position = data[position], data[position + 1], position + 2
    if length & 0x80:
        octets = length & 0x7F
        if octets == 0 or octets > 4:
            raise IndexError("length")
        length = int.from_bytes(data[position : position + octets], "big")
        position += octets
    end = position + length
    if end > len(data):
        raise IndexError("truncated")
    return tag, (position, end), end
