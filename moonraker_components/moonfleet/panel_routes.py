# Serves the fleet page
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``/server/moonfleet/ui`` and the files beside it, each an endpoint of its own.

The page needs no login (it holds nothing but itself): it asks for one over the websocket where
Moonraker demands it, as the other interfaces do. ``/server/files`` is no place for it: Moonraker
marks everything there as a download, and a frame stays blank.
"""

from __future__ import annotations

import logging
import pathlib
from collections.abc import Awaitable
from typing import Any, Callable

PAGE = "/server/moonfleet/ui"
# people type the slash; the page's links are relative and would miss from there
SLASH = '<!doctype html><title>Moonfleet</title><meta http-equiv="refresh" content="0; url=../ui">'
FOLDER = pathlib.Path(__file__).resolve().parent / "panel"
CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}


def panel_files() -> dict[str, pathlib.Path]:
    """URL path -> file; the page itself has no trailing slash, so its links start with ``ui/``."""
    files = {PAGE: FOLDER / "index.html"}
    for path in sorted(FOLDER.iterdir()):
        if path.suffix in (".css", ".js"):
            files[f"{PAGE}/{path.name}"] = path
    return files


def register(server: Any) -> None:
    """Register the page; read once here, so that no request touches the disk."""
    for url, path in panel_files().items():
        try:
            content = path.read_text(encoding="utf-8")
        except OSError as error:
            logging.warning("moonfleet: the fleet page is incomplete: %s", error)
            continue
        _serve(server, url, content, CONTENT_TYPES[path.suffix])
    _serve(server, f"{PAGE}/", SLASH, CONTENT_TYPES[".html"])


def _serve(server: Any, url: str, content: str, content_type: str) -> None:
    server.register_endpoint(
        url,
        ["GET"],
        _sender(content),
        transports=["http"],
        wrap_result=False,
        content_type=content_type,
        auth_required=False,
    )


def _sender(content: str) -> Callable[[Any], Awaitable[str]]:
    async def send(_request: Any) -> str:
        return content

    return send
