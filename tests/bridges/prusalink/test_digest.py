# Digest: both servers' dialects, known answers, hostile challenges
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The expected digests are computed here step by step, not by the code under test."""

from __future__ import annotations

import hashlib

import pytest
from moonfleet.bridges.prusalink.digest import Challenge, DigestSigner, parse_challenge
from moonfleet.core.secret import Secret

BUDDY = 'Digest realm="Printer API", nonce="a9dae69e0000280a", stale=false'
PYTHON = (
    'Digest realm="Administrator",qop="auth",algorithm="MD5-sess",nonce="23a2a1c5",opaque="4996"'
)


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def signer(header: str) -> DigestSigner:
    made = DigestSigner("maker", Secret("pass"), lambda: "c0ffee")
    challenge = parse_challenge([header])
    assert challenge is not None
    made.accept(challenge)
    return made


def test_buddy_gets_rfc_2069_and_no_word_more() -> None:
    header = signer(BUDDY).sign("GET", "/api/v1/status")
    assert header is not None
    first, second = md5("maker:Printer API:pass"), md5("GET:/api/v1/status")
    assert f'response="{md5(f"{first}:a9dae69e0000280a:{second}")}"' in header
    for word in ("algorithm", "qop", "nc=", "cnonce", "opaque"):
        assert word not in header


def test_the_python_server_gets_md5_sess_with_everything_echoed() -> None:
    made = signer(PYTHON)
    made.sign("GET", "/api/version")
    header = made.sign("PUT", "/api/v1/files/local/a%20b.gcode?x=1")
    assert header is not None
    first = md5(f"{md5('maker:Administrator:pass')}:23a2a1c5:c0ffee")
    second = md5("PUT:/api/v1/files/local/a%20b.gcode?x=1")
    wanted = md5(f"{first}:23a2a1c5:00000002:c0ffee:auth:{second}")
    assert f'response="{wanted}"' in header
    assert 'algorithm="MD5-sess"' in header and 'opaque="4996"' in header
    assert "qop=auth" in header and "nc=00000002" in header


def test_nothing_to_sign_with_before_a_challenge() -> None:
    made = DigestSigner("maker", Secret("pass"))
    assert not made.ready and made.sign("GET", "/") is None


def test_stale_and_several_headers() -> None:
    found = parse_challenge(['Basic realm="x"', BUDDY.replace("false", "true")])
    assert found == Challenge("Printer API", "a9dae69e0000280a", stale=True)
    assert parse_challenge(['Basic realm="x", ' + BUDDY]) is not None


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic realm=x",
        "Digest",
        "Digest realm=x",
        'Digest nonce="a", algorithm=SHA-512-256',
        'Digest nonce="a", qop="auth-int"',
        'Digest nonce="a\r\nX-Evil: 1"',
        'Digest nonce="\xff"',
        'ApiKey realm="Printer API"',
    ],
)
def test_challenges_that_cannot_be_answered(header: str) -> None:
    assert parse_challenge([header]) is None


def test_a_huge_challenge_is_cut() -> None:
    assert parse_challenge(["Digest " + 'a="b", ' * 100000]) is None


def test_the_password_is_not_in_the_header() -> None:
    made = DigestSigner("maker", Secret("hunter2-hunter2"))
    challenge = parse_challenge([PYTHON])
    assert challenge is not None
    made.accept(challenge)
    assert "hunter2" not in str(made.sign("GET", "/"))
