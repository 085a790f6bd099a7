# The printer's storage: a small FTP server behind implicit TLS
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Refuses data connections that do not resume the control connection's TLS session, as the real
ones do, and commands that they do not know (FEAT, REST, MLSD)."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import Optional

_ROOTS = ("cache", "model", "timelapse", "image", "logger")


class Storage:
    """Files and folders in memory; paths without a leading slash."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.folders: set[str] = set(_ROOTS)

    def listing(self, folder: str) -> str:
        prefix = f"{folder}/" if folder else ""
        lines = []
        for name in sorted(self.folders):
            rest = name[len(prefix) :]
            if name.startswith(prefix) and rest and "/" not in rest:
                lines.append(f"drwxr-xr-x    2 103      107          4096 Jan 01  1980 {rest}")
        for name, data in sorted(self.files.items()):
            rest = name[len(prefix) :]
            if name.startswith(prefix) and rest and "/" not in rest:
                lines.append(
                    f"-rw-r--r--    1 103      107      {len(data):8d} Jan 01 00:12 {rest}"
                )
        return "".join(f"{line}\r\n" for line in lines)


class FtpsServer:
    def __init__(self, access_code: str) -> None:
        self.access_code = access_code
        self.storage = Storage()
        self.port = 0
        self.logins = 0
        self.credentials_seen = 0
        self.open_sessions = 0
        self.most_sessions = 0
        self.require_reuse = True
        self.truncate = False  # loses the second half of every upload
        self.full = False  # no room: 452
        self._server: Optional[asyncio.AbstractServer] = None
        self._host = "127.0.0.1"
        self._context: Optional[ssl.SSLContext] = None

    async def start(self, host: str, port: int, context: ssl.SSLContext) -> None:
        self._host, self._context = host, context
        self._server = await asyncio.start_server(self._serve, host, port, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open_sessions += 1
        self.most_sessions = max(self.most_sessions, self.open_sessions)
        session = _Session(self, writer)
        try:
            session.say("220 printer")
            while True:
                line = await reader.readline()
                if not line:
                    break
                text = line.decode("utf-8", "replace").strip()
                command, _, argument = text.partition(" ")
                if command.upper() == "QUIT":
                    session.say("221 Goodbye.")
                    break
                await session.take(command.upper(), argument)
                await writer.drain()
        except OSError:
            pass  # the client is gone
        finally:
            self.open_sessions -= 1
            session.close()
            writer.close()


class _Session:
    def __init__(self, server: FtpsServer, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._writer = writer
        self._user = ""
        self._in = False
        self._listener: Optional[asyncio.AbstractServer] = None
        self._data: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
        self._data = asyncio.Queue()

    def say(self, line: str) -> None:
        self._writer.write(f"{line}\r\n".encode())

    def close(self) -> None:
        if self._listener is not None:
            self._listener.close()

    async def take(self, command: str, argument: str) -> None:
        if command == "USER":
            self._user = argument
            self.say("331 Please specify the password.")
        elif command == "PASS":
            self._server.credentials_seen += 1
            self._in = self._user == "bblp" and argument == self._server.access_code
            self._server.logins += self._in
            self.say("230 Login successful." if self._in else "530 Login incorrect.")
        elif not self._in:
            self.say("530 Please login with USER and PASS.")
        else:
            method = getattr(self, f"_{command.lower()}", None)
            if method is None:
                self.say("502 Command not implemented.")
            else:
                await method(argument.strip("/"))

    async def _pbsz(self, _: str) -> None:
        self.say("200 PBSZ set to 0.")

    async def _prot(self, _: str) -> None:
        self.say("200 PROT now Private.")

    async def _type(self, _: str) -> None:
        self.say("200 Switching to Binary mode.")

    async def _pwd(self, _: str) -> None:
        self.say('257 "/" is the current directory')

    async def _pasv(self, _: str) -> None:
        port = await self._listen()
        numbers = [*self._server._host.split("."), str(port >> 8), str(port & 0xFF)]
        self.say(f"227 Entering Passive Mode ({','.join(numbers)}).")

    async def _epsv(self, _: str) -> None:
        self.say(f"229 Entering Extended Passive Mode (|||{await self._listen()}|)")

    async def _listen(self) -> int:
        self.close()
        self._listener = await asyncio.start_server(
            self._accepted, self._server._host, 0, ssl=self._server._context
        )
        return int(self._listener.sockets[0].getsockname()[1])

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._data.put((reader, writer))

    async def _open_data(self) -> Optional[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        self.say("150 Here it comes.")
        await self._writer.drain()
        reader, writer = await self._data.get()
        self.close()
        tls = writer.get_extra_info("ssl_object")
        if self._server.require_reuse and not tls.session_reused:
            writer.close()
            self.say("522 SSL connection failed: session reuse required")
            return None
        return reader, writer

    async def _send(self, data: bytes) -> None:
        opened = await self._open_data()
        if opened is not None:
            _, writer = opened
            writer.write(data)
            with contextlib.suppress(OSError):
                await writer.drain()
                writer.close()
                await writer.wait_closed()
            self.say("226 Transfer complete.")

    async def _list(self, path: str) -> None:
        await self._send(self._server.storage.listing(path).encode())

    async def _retr(self, path: str) -> None:
        data = self._server.storage.files.get(path)
        if data is None:
            self.say("550 Failed to open file.")
        else:
            await self._send(data)

    async def _stor(self, path: str) -> None:
        if self._server.full:
            self.say("452 No space left.")
            return
        opened = await self._open_data()
        if opened is None:
            return
        reader, writer = opened
        data = await reader.read(-1)
        writer.close()
        if self._server.truncate:
            data = data[: len(data) // 2]
        self._server.storage.files[path] = data
        self.say("226 Transfer complete.")

    async def _size(self, path: str) -> None:
        data = self._server.storage.files.get(path)
        self.say("550 Could not get file size." if data is None else f"213 {len(data)}")

    async def _dele(self, path: str) -> None:
        gone = self._server.storage.files.pop(path, None)
        self.say("550 Delete operation failed." if gone is None else "250 Deleted.")

    async def _mkd(self, path: str) -> None:
        self._server.storage.folders.add(path)
        self.say(f'257 "/{path}" created')

    async def _rmd(self, path: str) -> None:
        known = path in self._server.storage.folders
        self._server.storage.folders.discard(path)
        self.say("250 Removed." if known else "550 Remove directory operation failed.")
