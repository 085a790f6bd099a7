# The printer's camera as Moonraker lists webcams
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Pure."""

from __future__ import annotations

import uuid
from typing import Any

_IDS = uuid.UUID("c0a1de4b-8a55-4f0f-9b0e-4e6d2f3a7c90")


def webcam(name: str, path: str, proof: str) -> dict[str, Any]:
    """One entry of ``server.webcams.list``; these cameras send about a picture a second.

    ``proof`` is the query that lets an ``<img>`` in without a login.
    """
    return {
        "name": "Camera",
        "location": "printer",
        "service": "mjpegstreamer",
        "enabled": True,
        "icon": "mdiWebcam",
        "target_fps": 1,
        "target_fps_idle": 1,
        "stream_url": f"{path}/stream?{proof}",
        "snapshot_url": f"{path}/snapshot?{proof}",
        "flip_horizontal": False,
        "flip_vertical": False,
        "rotation": 0,
        "aspect_ratio": "16:9",
        "extra_data": {},
        "source": "config",
        "uid": str(uuid.uuid5(_IDS, name)),
    }
