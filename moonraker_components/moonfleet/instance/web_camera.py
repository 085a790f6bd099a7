# Pictures of a printer's camera over HTTP
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""A stream as interfaces expect it of a webcam (multipart JPEG), and single pictures.

A signed address is let in, for an ``<img>`` can show nothing else; everybody else is asked by
Moonraker. A viewer that reads slowly misses pictures, none pile up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Optional

from ..core.errors import NotConnected, one_line

if TYPE_CHECKING:
    from .host import HostClasses
    from .printer import VirtualPrinter

BOUNDARY = "moonfleet"


def camera_handler(classes: HostClasses) -> Any:
    class VirtualCamera(classes.request_handler):  # type: ignore[name-defined,misc]
        def initialize(
            self, printers: Mapping[str, VirtualPrinter], only: Optional[str] = None
        ) -> None:
            super().initialize()
            self.printers = printers
            self.only = only

        async def prepare(self) -> None:
            name = self.only or str(self.path_kwargs.get("printer"))
            proof = [self.get_query_argument(word, "") for word in ("expires", "signature")]
            virtual = self.printers.get(name)
            self.auth_required = virtual is None or not virtual.signer.valid(name, *proof)
            await super().prepare()

        async def get(self, path: str, printer: str = "") -> None:
            name = self.only or printer
            virtual = self.printers.get(name)
            camera = None if virtual is None else virtual.fleet.camera(name)
            if camera is None:
                raise classes.http_error(404, reason=one_line(f"{name[:40]} has no camera"))
            self.set_header("Cache-Control", "no-store")
            try:
                if path == "snapshot":
                    self._picture(await camera.snapshot())
                else:
                    await self._stream(camera.pictures())
            except NotConnected as fault:
                if not self._headers_written:
                    raise classes.http_error(503, reason=one_line(str(fault))) from fault

        def _picture(self, picture: bytes) -> None:
            self.set_header("Content-Type", "image/jpeg")
            self.finish(picture)

        async def _stream(self, pictures: Any) -> None:
            self.set_header("Content-Type", f"multipart/x-mixed-replace;boundary={BOUNDARY}")
            self.set_header("X-Accel-Buffering", "no")  # nginx would hold pictures back
            try:
                async for picture in pictures:
                    self.write(
                        f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\n"
                        f"Content-Length: {len(picture)}\r\n\r\n"
                    )
                    self.write(picture + b"\r\n")
                    await self.flush()
            except classes.stream_closed:
                pass  # the viewer has gone
            finally:
                await pictures.aclose()

    return VirtualCamera
