# The interfaces' released builds behind nginx, as an installation of theirs looks
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``Site(moonraker_port, build, config)`` serves one build; nginx runs as a private process.

The locations and headers are those of the common installations: ``/websocket`` is a prefix with
upgrade headers, the API's other paths have none, everything else is the single-page app.
"""

from __future__ import annotations

import asyncio
import json
import os
import pathlib
import shutil
import urllib.request
from typing import Any, Optional

from tests.moonraker.real import free_port

TEMPLATE = """
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    map $http_upgrade $connection_upgrade {{
        default upgrade;
        '' close;
    }}
    upstream apiserver {{
        ip_hash;
        server 127.0.0.1:{moonraker};
    }}
    server {{
        listen 127.0.0.1:{port};
        root {build};
        index index.html;
        server_name _;
        client_max_body_size 0;
        proxy_request_buffering off;
        location = /config.json {{
            alias {folder}/config.json;
        }}
        location / {{
            try_files $uri $uri/ /index.html;
        }}
        location = /index.html {{
            add_header Cache-Control "no-store, no-cache, must-revalidate";
        }}
        location /websocket {{
            proxy_pass http://apiserver/websocket;
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_set_header Host $http_host;
            proxy_set_header X-Real-IP $remote_addr;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_read_timeout 86400;
        }}
        location ~ ^/(printer|api|access|machine|server)/ {{
            proxy_pass http://apiserver$request_uri;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Host $http_host;
            proxy_set_header X-Real-IP $remote_addr;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Scheme $scheme;
        }}
    }}
}}
"""


class Site:
    def __init__(
        self,
        folder: pathlib.Path,
        moonraker: int,
        build: Optional[pathlib.Path] = None,
        config: Optional[dict[str, Any]] = None,
    ) -> None:
        self.folder = folder
        self.port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(config or {}))
        self._text = TEMPLATE.format(
            folder=folder,
            moonraker=moonraker,
            port=self.port,
            build=build or folder,
            # started by root, its workers would be somebody who may not read a test's folder
            user="user root;" if os.geteuid() == 0 else "",
        )
        self._process: Optional[asyncio.subprocess.Process] = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def configure(self, config: dict[str, Any]) -> None:
        """What the interface finds as its ``config.json``."""
        (self.folder / "config.json").write_text(json.dumps(config))

    async def __aenter__(self) -> Site:
        binary = shutil.which("nginx") or "/usr/sbin/nginx"
        config = self.folder / "nginx.conf"
        config.write_text(self._text)
        self._process = await asyncio.create_subprocess_exec(
            binary,
            *("-p", str(self.folder), "-c", str(config), "-e", str(self.folder / "error.log")),
            stderr=asyncio.subprocess.DEVNULL,
        )
        for _ in range(500):
            if await asyncio.to_thread(self._answers):
                return self
            assert self._process.returncode is None, (self.folder / "error.log").read_text()
            await asyncio.sleep(0.02)
        raise AssertionError("nginx does not answer")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/config.json", timeout=5):
                return True
        except OSError:
            return False

    async def __aexit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        await self._process.wait()


def mainsail_config(port: int, *names: str) -> dict[str, Any]:
    """Every printer as a fixed entry; ``/?printer=<name>`` opens one."""
    return {
        "defaultLocale": "en",
        "defaultMode": "light",
        "instancesDB": "json",
        "instances": [
            {
                "hostname": "127.0.0.1",
                "port": port,
                "path": f"/websocket/moonfleet/{name}",
                "name": name,
            }
            for name in names
        ],
    }


def fluidd_config(url: str, name: str) -> dict[str, Any]:
    return {"endpoints": [f"{url}/websocket/moonfleet/{name}"], "blacklist": []}
