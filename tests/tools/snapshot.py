# Recorded messages of a printer -> the snapshot after the last one, as JSON
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""``python -m tests.tools.snapshot TYPE FILE...`` prints one JSON object per file.

Each type has a module with ``snapshot_of(path) -> PrinterSnapshot``. Works without Moonraker,
paho-mqtt and aiohttp.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
for folder in (ROOT / "moonraker_components", ROOT / "klippy_extras"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

READERS = {
    "bambu": "tests.tools.bambu_messages",
    "prusalink": "tests.tools.prusalink_exchange",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("type", choices=sorted(READERS))
    parser.add_argument("file", nargs="+", type=pathlib.Path)
    arguments = parser.parse_args()
    reader = importlib.import_module(READERS[arguments.type])
    for path in arguments.file:
        try:
            snapshot = reader.snapshot_of(path)
        except OSError as error:
            print(f"{path}: {error}", file=sys.stderr)
            return 1
        print(json.dumps(snapshot.to_json()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
