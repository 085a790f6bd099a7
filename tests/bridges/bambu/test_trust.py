# Certificates: reading names, pins, and the odd shapes that printers show
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Chains are made on the spot; real printers show an X.509 v1 leaf, which only openssl makes."""

from __future__ import annotations

import pathlib
import random
import shutil
import ssl
import subprocess
from typing import Any

import pytest
from moonfleet.bridges.bambu.failures import LinkFailure
from moonfleet.bridges.bambu.trust import Trust, common_name, fingerprint
from moonfleet.bridges.base import Link

from tests.emulators.bambu.certs import Chain

from .conftest import World
from .helpers import until

SERIAL = "01P00A000000001"


def test_common_name() -> None:
    assert common_name(Chain(SERIAL).leaf_der()) == SERIAL
    assert common_name(b"") is None
    assert common_name(b"\x30\x80" + b"x" * 50) is None


def test_any_bytes_are_survived() -> None:
    good = Chain(SERIAL).leaf_der()
    rng = random.Random(3)
    for _ in range(5000):
        data = bytearray(good)
        for _ in range(rng.randrange(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        common_name(bytes(data[: rng.randrange(len(data))]))
        common_name(bytes(data))


@pytest.mark.parametrize("name", [SERIAL.lower(), SERIAL + " ", SERIAL[:-1], "", "x" + SERIAL])
def test_the_name_is_compared_exactly(name: str) -> None:
    with pytest.raises(LinkFailure) as caught:
        Trust("pin", SERIAL).judge(Chain(name or "-").leaf_der(), None)
    assert caught.value.link is Link.TLS_ERROR
    assert SERIAL not in caught.value.message


def test_pins() -> None:
    trust, first, second = Trust("pin", SERIAL), Chain(SERIAL), Chain(SERIAL, generation=1)
    pin = trust.judge(first.leaf_der(), None)
    assert pin == fingerprint(SERIAL, first.leaf_der())
    assert SERIAL not in str(pin)
    assert trust.judge(first.leaf_der(), pin) is None
    with pytest.raises(LinkFailure, match="not the one remembered"):
        trust.judge(second.leaf_der(), pin)
    # the section now names another printer: the old pin says nothing about it
    other = Trust("pin", "01P00A000000009")
    assert other.judge(Chain("01P00A000000009").leaf_der(), pin) is not None
    with pytest.raises(LinkFailure):
        trust.judge(None, pin)


class _OldChain:
    """What printers show: a leaf of version 1 and a CA without key usage."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self._openssl("genrsa", "-out", "ca.key", "2048")
        self._openssl("genrsa", "-out", "leaf.key", "2048")
        (folder / "conf").write_text(
            "[req]\ndistinguished_name=dn\nx509_extensions=ext\nprompt=no\n"
            "[dn]\nCN=Old CA\n[ext]\nbasicConstraints=critical,CA:TRUE\n"
        )
        self._openssl(
            "req", "-x509", "-new", "-key", "ca.key", "-out", "ca.pem", "-days", "30",
            "-config", "conf",
        )  # fmt: skip
        self._openssl(
            "req", "-new", "-key", "leaf.key", "-out", "leaf.csr", "-subj", f"/CN={SERIAL}",
            "-config", "conf",
        )  # fmt: skip
        self._openssl(
            "x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-out", "leaf.pem", "-days", "30",
        )  # fmt: skip

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.folder / "leaf.pem", self.folder / "leaf.key")
        return context


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a v1 certificate")
@pytest.mark.parametrize("mode", ["pin", "verify"])
async def test_a_leaf_of_version_one(world: World, mode: str, tmp_path: Any) -> None:
    chain = _OldChain(tmp_path)
    der = ssl.PEM_cert_to_DER_cert((tmp_path / "leaf.pem").read_text())
    assert der[8:10] != b"\xa0\x03"  # no version field: it is version 1
    assert common_name(der) == SERIAL
    printer = await world.printer()
    await printer.offline()
    printer.chain = chain  # type: ignore[assignment]
    await printer.online()
    _, host = await world.bridge(
        printer, tls=mode, ca_file=str(tmp_path / "ca.pem") if mode == "verify" else None
    )
    await until(lambda: host.link is Link.ONLINE)
