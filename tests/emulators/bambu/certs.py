# A certificate chain of the shape Bambu printers show, made at start
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""CA and leaf; the leaf's CN is the serial, without any subject alternative name."""

from __future__ import annotations

import datetime
import functools
import pathlib
import ssl
import tempfile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

_CA_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Emulated Printer CA")])


@functools.cache
def _key(purpose: str) -> rsa.RSAPrivateKey:
    # Making a key takes long; all printers of one process share them.
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


@functools.cache
def _authority(generation: int) -> x509.Certificate:
    key = _key(f"ca{generation}")
    return (
        x509.CertificateBuilder()
        .subject_name(_CA_NAME)
        .issuer_name(_CA_NAME)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_now() - datetime.timedelta(days=30))
        .not_valid_after(_now() + datetime.timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )


class Chain:
    """``generation`` picks the CA: another number is a foreign one."""

    def __init__(self, common_name: str, expired: bool = False, generation: int = 0) -> None:
        key = _key("leaf")
        end = _now() + datetime.timedelta(days=-1 if expired else 3650)
        self.authority = _authority(generation)
        self.leaf = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]))
            .issuer_name(_CA_NAME)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(_now() - datetime.timedelta(days=20))
            .not_valid_after(end)
            .sign(_key(f"ca{generation}"), hashes.SHA256())
        )

    def authority_pem(self) -> bytes:
        return self.authority.public_bytes(serialization.Encoding.PEM)

    def leaf_der(self) -> bytes:
        return self.leaf.public_bytes(serialization.Encoding.DER)

    def write(self, folder: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
        """(certificate file, key file), for servers that want files."""
        certificate, key = folder / "server.crt", folder / "server.key"
        certificate.write_bytes(
            self.leaf.public_bytes(serialization.Encoding.PEM) + self.authority_pem()
        )
        key.write_bytes(
            _key("leaf").private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            )
        )
        return certificate, key

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = self.write(pathlib.Path(folder))
            context.load_cert_chain(certificate, key)
        return context
