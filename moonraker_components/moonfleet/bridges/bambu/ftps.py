# FTPS as Bambu printers speak it: implicit TLS, one session for control and data
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Blocking, for a thread of its own. ``ftplib`` knows neither implicit TLS nor session reuse.

The certificate is judged before USER and PASS. A data connection is closed without the TLS
farewell, which some printers never answer; what counts is the size the printer shows afterwards.
"""

from __future__ import annotations

import contextlib
import ftplib
import socket
import ssl
from collections.abc import Iterable, Iterator
from typing import Callable, Optional

from ...core.errors import CommandRejected, MoonfleetError, NotConnected
from ...core.secret import Secret
from ..base import RemoteEntry
from .failures import LinkFailure
from .protocol.listing import parse_listing
from .trust import Trust, handshake_failure, judge_known

STEP_TIMEOUT = 20.0
STORED_TIMEOUT = 120.0  # printers write to slow cards before they answer
BLOCK = 64 * 1024
MAX_LISTING = 4 * 1024 * 1024
_NOT_THERE = "550"


class _ImplicitFtp(ftplib.FTP_TLS):
    def secure(self, host: str, port: int, context: ssl.SSLContext) -> Optional[bytes]:
        """Connect and shake hands; the certificate, still to be judged."""
        self.host, self.port, self.timeout = host, port, STEP_TIMEOUT
        plain = socket.create_connection((host, port), STEP_TIMEOUT)
        try:
            self.sock = context.wrap_socket(plain)
        except (OSError, ValueError):
            plain.close()
            raise
        self.context = context
        self.af = self.sock.family
        self._prot_p = True  # what prot_p() would set, told to the printer after the login
        return self.sock.getpeercert(binary_form=True)

    def greet(self, user: str, password: str) -> None:
        assert isinstance(self.sock, ssl.SSLSocket)
        self.file = self.sock.makefile("r", encoding=self.encoding, errors="replace")
        self.welcome = self.getresp()
        # not login(): it would ask for AUTH TLS first
        reply = self.sendcmd(f"USER {user}")
        if reply.startswith("3"):
            self.sendcmd(f"PASS {password}")
        self.voidcmd("PBSZ 0")
        self.voidcmd("PROT P")
        self.voidcmd("TYPE I")

    def ntransfercmd(self, cmd: str, rest: object = None) -> tuple[socket.socket, Optional[int]]:
        conn, size = ftplib.FTP.ntransfercmd(self, cmd)
        assert isinstance(self.sock, ssl.SSLSocket)
        try:
            # printers answer 522 to a data connection with a session of its own
            return self.context.wrap_socket(conn, session=self.sock.session), size
        except (OSError, ValueError):
            conn.close()
            raise


class FtpsSession:
    """One logged-in connection; use as a context manager."""

    def __init__(self, host: str, port: int, trust: Trust, user: str, code: Secret) -> None:
        self._host, self._port, self._trust = host, port, trust
        self._user, self._code = user, code
        self._ftp = _ImplicitFtp()
        self._ftp.encoding = "utf-8"

    def open(self, pin: Optional[str]) -> None:
        with self._told():
            context = self._trust.ftps_context()
            try:
                certificate = self._ftp.secure(self._host, self._port, context)
            except ssl.SSLError as error:
                raise handshake_failure(error) from None
            judge_known(self._trust, certificate, pin)
            self._ftp.greet(self._user, self._code.reveal())

    def close(self) -> None:
        with contextlib.suppress(Exception):  # the other side may have gone
            if getattr(self._ftp, "file", None) is not None:
                self._ftp.quit()
        self._ftp.close()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Whatever goes wrong, in words without credentials."""
        try:
            yield
        except (MoonfleetError, GeneratorExit):
            raise
        except LinkFailure as failure:
            raise NotConnected(failure.message) from None
        except ftplib.error_perm as error:
            if str(error).startswith("530"):
                raise NotConnected("the printer's storage refused the access code") from None
            if str(error).startswith("522"):
                raise NotConnected("the printer's storage refused our TLS session") from None
            raise CommandRejected(f"the printer's storage refused: {_code(error)}") from None
        except (ftplib.Error, EOFError, UnicodeError) as error:
            raise NotConnected(f"the printer's storage answered badly: {_code(error)}") from None
        except OSError:
            raise NotConnected("the connection to the printer's storage broke") from None

    # -- commands --------------------------------------------------------------------------

    def list(self, folder: str) -> list[RemoteEntry]:
        data = bytearray()
        for block in self._receive(f"LIST {folder}" if folder else "LIST"):
            data += block
            if len(data) > MAX_LISTING:
                raise CommandRejected("the folder has too many entries")
        entries = parse_listing(bytes(data).decode("utf-8", "replace"), folder)
        return [RemoteEntry(entry.path, entry.folder, entry.size) for entry in entries]

    def size(self, path: str) -> Optional[int]:
        """Bytes of a file, or None when there is none."""
        with self._told():
            try:
                return self._ftp.size(path)
            except ftplib.error_perm as error:
                if str(error).startswith(_NOT_THERE):
                    return None
                raise
        return None

    def retrieve(self, path: str) -> Iterator[bytes]:
        return self._receive(f"RETR {path}")

    def _receive(self, command: str) -> Iterator[bytes]:
        with self._told():
            with self._ftp.transfercmd(command) as conn:
                while True:
                    block = conn.recv(BLOCK)
                    if not block:
                        break
                    yield block
            self._ftp.voidresp()

    def store(self, path: str, blocks: Iterable[bytes], sent: Callable[[int], None]) -> int:
        """Send a file; the number of bytes the printer then shows."""
        with self._told():
            count = 0
            with self._ftp.transfercmd(f"STOR {path}") as conn:
                for block in blocks:
                    conn.sendall(block)
                    count += len(block)
                    sent(count)
            assert self._ftp.sock is not None
            self._ftp.sock.settimeout(STORED_TIMEOUT)
            try:
                self._ftp.voidresp()
            except ftplib.error_temp as error:
                if not str(error).startswith("426"):  # harmless if all bytes have arrived
                    raise
        return self.size(path) or 0

    def delete(self, path: str) -> None:
        with self._told():
            self._ftp.delete(path)

    def remove_folder(self, path: str) -> None:
        with self._told():
            self._ftp.rmd(path)

    def make_folder(self, path: str) -> None:
        with self._told():
            self._ftp.mkd(path)


def _code(error: Exception) -> str:
    """The three digits of an FTP reply; its text is the printer's and may repeat anything."""
    text = str(error)[:3]
    return f"code {text}" if text.isdecimal() else type(error).__name__
