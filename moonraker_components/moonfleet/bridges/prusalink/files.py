# The printer's storage: lists, uploads, downloads, folders, thumbnails
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Each change is believed when the printer shows it: an upload by the size of the stored file."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Callable, Optional
from urllib.parse import quote

from ...core.errors import CommandRejected, NotConnected
from ...core.model import SlicedPlate
from ..base import BridgeFiles, RemoteEntry
from .protocol.identity import Flavour
from .protocol.listing import (
    Entry,
    parse_entry,
    parse_listing,
    parse_storages,
    parse_transfer,
)
from .protocol.status import parse_job
from .requests import file_path
from .settings import Credentials
from .transport import LinkFault, PrusaLinkHttp, Reply

G_CODE = (".g", ".gc", ".gco", ".gcode")
BINARY = (".bgcode", ".bgc")
CACHED = 16  # thumbnails
SHOWN_TRIES, SHOWN_PAUSE = 20, 0.5  # s
START_TRIES = 60  # a printer that asks something first takes its time
YES = "?1"  # the only spelling that both servers take for true


class PrusaLinkFiles(BridgeFiles):
    def __init__(
        self,
        http: PrusaLinkHttp,
        credentials: Credentials,
        flavour: Callable[[], Optional[Flavour]],
    ) -> None:
        self._http = http
        self._credentials = credentials
        self._flavour = flavour
        self._transfer = asyncio.Lock()
        self._images: OrderedDict[tuple[str, Optional[int]], Optional[tuple[str, bytes]]]
        self._images = OrderedDict()

    async def list(self, folder: str = "") -> list[RemoteEntry]:
        reply = await self._get(self._path(folder, root=True))
        entries = parse_listing(reply.document()) if reply.ok else None
        if entries is None:
            raise CommandRejected(f"the printer has no folder '{folder[:60]}'")
        above = folder.strip("/")
        return [
            RemoteEntry(
                path=f"{above}/{entry.name}" if above else entry.name,
                folder=entry.folder,
                size=entry.size,
                modified=None if entry.modified is None else float(entry.modified),
            )
            for entry in entries
        ]

    async def upload(
        self,
        path: str,
        open_source: Callable[[], AsyncIterator[bytes]],
        size: int,
        *,
        start: bool = False,
        overwrite: bool = True,
        progress: Optional[Callable[[int], None]] = None,
    ) -> None:
        target = self._path(path)
        self._check_kind(path, size)
        async with self._turn():
            await self._check_room(target, size)
            if start and await self._printing() is not None:
                raise CommandRejected("a job is already running; upload the file without start")
            # a refusal after the stream has begun would reach us as a broken connection
            transfer = await self._get("/api/v1/transfer")
            if transfer.status == 200 and parse_transfer(transfer.document()) is not None:
                raise CommandRejected("the printer is busy with another transfer")
            if not overwrite and await self._entry(path) is not None:
                raise CommandRejected(f"the printer has a file '{path[:60]}' already")
            headers = {"Content-Type": "text/x.gcode"}
            if overwrite:
                headers["Overwrite"] = YES
            if start:
                headers["Print-After-Upload"] = YES
            try:
                reply = await self._http.upload(
                    target, headers, open_source, size, self._taken, progress
                )
            except LinkFault as fault:
                raise NotConnected(f"the upload broke off: {fault.message}") from None
            if not reply.ok:
                raise CommandRejected(self._refusal(reply))
            if not await self._shown(path, lambda entry: _is_whole(entry, size)):
                raise CommandRejected(
                    "the printer took the upload but does not show the file whole"
                )
            if start and not await self._starts(path):
                raise CommandRejected("the file is stored, but the printer does not start it")

    async def download(self, path: str) -> AsyncIterator[bytes]:
        async with self._turn():
            entry = await self._existing(path)
            if entry.download is None:
                raise CommandRejected(f"the printer offers no download of '{path[:60]}'")
            try:
                async for chunk in self._http.download(quote(entry.download)):
                    yield chunk
            except LinkFault as fault:
                raise NotConnected(fault.message) from None

    async def delete(self, path: str) -> None:
        reply = await self._request("DELETE", self._path(path))
        if not reply.ok:
            raise CommandRejected(self._refusal(reply))
        if not await self._shown(path, lambda entry: entry is None):
            raise CommandRejected(f"the printer still shows '{path[:60]}'")

    async def make_folder(self, path: str) -> None:
        headers = {"Create-Folder": YES}
        reply = await self._request("PUT", self._path(path), headers)
        if not reply.ok:
            raise CommandRejected(self._refusal(reply))
        if not await self._shown(path, lambda entry: entry is not None):
            raise CommandRejected(f"the printer does not show the folder '{path[:60]}'")

    async def thumbnail(self, path: str) -> Optional[tuple[str, bytes]]:
        entry = await self._existing(path)
        if entry.thumbnail is None:
            return None
        key = (path, entry.modified)
        if key in self._images:
            self._images.move_to_end(key)
            return self._images[key]
        reply = await self._get(quote(entry.thumbnail))
        is_image = reply.status == 200 and reply.content_type.startswith("image/")
        image = (reply.content_type, reply.body) if is_image else None
        self._images[key] = image
        while len(self._images) > CACHED:
            self._images.popitem(last=False)
        return image

    async def plates(self, path: str) -> tuple[SlicedPlate, ...]:
        """One small question; Buddy tells nothing of what is in a file, and is not asked."""
        if self._flavour() is not Flavour.PYTHON:
            return ()
        sliced = (await self._existing(path)).sliced
        return () if sliced is None else (sliced,)

    # -- inside -------------------------------------------------------------------------------

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """One stream at a time: with the polls two connections, of the three that a Buddy has."""
        if self._transfer.locked():
            raise CommandRejected("another upload or download of this printer is running")
        async with self._transfer:
            yield

    def _path(self, path: str, *, root: bool = False) -> str:
        if root and not path.strip("/"):
            storage = "local" if self._flavour() is Flavour.PYTHON else "usb"
            return f"/api/v1/files/{storage}"
        return file_path(path, self._flavour())

    def _check_kind(self, path: str, size: int) -> None:
        python = self._flavour() is Flavour.PYTHON
        kinds = G_CODE if python else (*G_CODE, *BINARY)
        if not path.lower().endswith(kinds):
            raise CommandRejected(
                f"this printer takes {' '.join(kinds)} files only; slice '{path[:60]}' for it"
            )
        if size <= 0:
            raise CommandRejected(f"'{path[:60]}' is empty")

    async def _check_room(self, target: str, size: int) -> None:
        """Before a hundred megabytes are sent; a Buddy tells no sizes and refuses by itself."""
        name = target.split("/")[4]  # /api/v1/files/<storage>/...
        reply = await self._get("/api/v1/storage")
        for storage in parse_storages(reply.document()) if reply.ok else ():
            if storage.name != name:
                continue
            if storage.available is False:
                raise CommandRejected(f"the printer's storage '{name}' is not there; plug it in")
            if storage.read_only:
                raise CommandRejected(f"the printer's storage '{name}' is read-only")
            if storage.free is not None and storage.free <= size:
                raise CommandRejected(
                    f"the printer has {storage.free >> 20} MiB left and the file needs "
                    f"{(size >> 20) + 1}; delete some"
                )

    async def _taken(self) -> Optional[int]:
        """Bytes of the running transfer that have arrived, in the printer's own count."""
        reply = await self._get("/api/v1/transfer")
        transfer = parse_transfer(reply.document()) if reply.status == 200 else None
        return None if transfer is None else transfer.transferred

    async def _printing(self) -> Optional[str]:
        """The file of the job that runs; '' when it is not named."""
        reply = await self._get("/api/v1/job")
        parsed = parse_job(reply.document()) if reply.status == 200 else None
        return None if parsed is None else parsed[2].name or ""

    async def _starts(self, path: str) -> bool:
        for _ in range(START_TRIES):
            if await self._printing() == path.rsplit("/", 1)[-1]:
                return True
            await asyncio.sleep(SHOWN_PAUSE)
        return False

    async def _existing(self, path: str) -> Entry:
        entry = await self._entry(path)
        if entry is None:
            raise CommandRejected(f"the printer has no file '{path[:60]}'")
        return entry

    async def _entry(self, path: str) -> Optional[Entry]:
        reply = await self._get(self._path(path))
        return parse_entry(reply.document()) if reply.ok else None

    async def _shown(self, path: str, wanted: Callable[[Optional[Entry]], bool]) -> bool:
        """Whether the printer comes to show it; the Python server looks once a second."""
        for _ in range(SHOWN_TRIES):
            if wanted(await self._entry(path)):
                return True
            await asyncio.sleep(SHOWN_PAUSE)
        return False

    async def _get(self, path: str) -> Reply:
        return await self._request("GET", path)

    async def _request(
        self, method: str, path: str, headers: Optional[dict[str, str]] = None
    ) -> Reply:
        try:
            return await self._http.request(method, path, headers)
        except LinkFault as fault:
            raise NotConnected(fault.message) from None

    def _refusal(self, reply: Reply) -> str:
        if reply.status == 500 and self._flavour() is Flavour.PYTHON:
            return "the printer fails at it, mostly because another transfer is running"
        return "the printer refuses: " + self._credentials.scrub(reply.reason())


def _is_whole(entry: Optional[Entry], size: int) -> bool:
    return entry is not None and entry.size in (None, size)
