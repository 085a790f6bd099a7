# The walls of the house: who may import whom
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Walks every import statement of both halves; docs/architecture.md draws the arrows."""

from __future__ import annotations

import ast
import pathlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOUSE = ROOT / "moonraker_components" / "moonfleet"
EXTRA = ROOT / "klippy_extras" / "heater_eta"
OWN = ("moonfleet", "heater_eta")

FLEET = {"printer", "heaters", "commanding", "events", "member", "options", "fleet"}
# what each room may import of our own, beside itself
BELOW = {
    "core": set[str](),
    "thermal": set[str](),
    "bridges.base": {"core"},
    "bridges.protocol": {"core", "thermal"},
    "bridges": {"core", "thermal", "bridges.base", "bridges.protocol"},
    "fleet": {"core", "thermal", "bridges.base"},
    "top": {"core", "thermal", "bridges.base", "fleet"},
    "component": {"core", "thermal", "bridges.base", "bridges", "fleet", "top"},
    "entry": {"component"},
    "extra": {"thermal"},
}
# third-party packages and the only places that may import them when they run
OUTSIDE = {
    "aiohttp": ("bridges/prusalink/",),
    "paho": ("bridges/bambu/",),
    "cryptography": (),
    "tornado": ("moonraker_adapter.py",),
    "moonraker": ("moonraker_adapter.py", "history", "local_eta.py"),
}


@dataclass(frozen=True)
class Import:
    file: pathlib.Path
    line: int
    target: str  # absolute dotted name, e.g. moonfleet.core.model
    typing_only: bool

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line} imports {self.target}"


def sources() -> list[pathlib.Path]:
    inside = [p for p in HOUSE.rglob("*.py") if "thermal" not in p.relative_to(HOUSE).parts]
    return sorted(inside) + sorted(EXTRA.rglob("*.py"))


def dotted(path: pathlib.Path) -> str:
    base = HOUSE.parent if path.is_relative_to(HOUSE) else EXTRA.parent
    parts = path.relative_to(base).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: pathlib.Path, text: str | None = None) -> Iterator[Import]:
    tree = ast.parse(path.read_text() if text is None else text)
    guarded = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    package = dotted(path) if path.name == "__init__.py" else dotted(path).rpartition(".")[0]
    for node in ast.walk(tree):
        typing_only = id(node) in guarded
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(path, node.lineno, alias.name, typing_only)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                kept = parents[: len(parents) - node.level + 1]
                base = ".".join([*kept, base] if base else kept)
            for alias in node.names:
                yield Import(path, node.lineno, f"{base}.{alias.name}", typing_only)


def room(name: str) -> str:
    """The room of one of our own modules (or of a name inside it)."""
    top, _, rest = name.partition(".")
    first = rest.split(".")[0]
    if top == "heater_eta":
        return "thermal" if first == "thermal" else "extra"
    if first in ("core", "thermal"):
        return first
    if first == "bridges":
        parts = rest.split(".")
        if parts[1:2] == ["base"]:
            return "bridges.base"
        return "bridges.protocol" if "protocol" in parts else "bridges"
    if first in FLEET:
        return "fleet"
    if first == "component":
        return "component"
    return "top" if first else "entry"


def brand(name: str) -> str:
    return ".".join(name.split(".")[1:3])


def wrong_arrows(found: list[Import]) -> list[str]:
    wrong = []
    for item in found:
        if item.target.split(".")[0] not in OWN:
            continue
        here, there = room(dotted(item.file)), room(item.target)
        if there == "entry":  # `from . import x` in the package itself
            continue
        foreign = here.startswith("bridges") and there in ("bridges", "bridges.protocol")
        if foreign and brand(dotted(item.file)) != brand(item.target):
            wrong.append(f"{item}: one brand must not know another")
        elif here != there and there not in BELOW[here]:
            wrong.append(f"{item}: '{here}' must not import '{there}'")
    return wrong


def wrong_guests(found: list[Import]) -> list[str]:
    wrong = []
    for item in found:
        places = OUTSIDE.get(item.target.split(".")[0])
        if places is None:
            continue
        if not item.file.is_relative_to(HOUSE):
            wrong.append(f"{item}: the klippy half uses the standard library only")
            continue
        where = item.file.relative_to(HOUSE).as_posix()
        if item.typing_only and not where.startswith(("core/", "bridges/", "instance/objects")):
            continue
        if not where.startswith(places):
            wrong.append(f"{item}: not from here")
    return wrong


def all_imports() -> list[Import]:
    return [item for path in sources() for item in imports(path)]


def test_imports_point_one_way():
    assert wrong_arrows(all_imports()) == []


def test_third_party_packages_stay_in_their_rooms():
    assert wrong_guests(all_imports()) == []


def test_the_klippy_half_uses_the_standard_library_only():
    allowed = set(sys.stdlib_module_names) | set(OWN)
    foreign = [
        str(item)
        for path in sources()
        if path.is_relative_to(EXTRA)
        for item in imports(path)
        # klippy's own modules are looked up through the printer, never imported
        if item.target.split(".")[0] not in allowed
    ]
    assert foreign == []


@pytest.mark.parametrize(
    ("place", "statement"),
    [
        ("core/model.py", "from ..fleet import Fleet"),
        ("core/model.py", "from ..bridges.base import Link"),
        ("bridges/bambu/protocol.py", "from .transport import Mqtt"),
        ("bridges/bambu/bridge.py", "from ..prusalink.protocol import parse"),
        ("bridges/bambu/bridge.py", "from ...fleet import Fleet"),
        ("fleet.py", "from .history import History"),
        ("fleet.py", "from .bridges.bambu.bridge import BambuBridge"),
        ("api.py", "from .component import Moonfleet"),
    ],
)
def test_a_wrong_arrow_is_found(place: str, statement: str):
    assert len(wrong_arrows(list(imports(HOUSE / place, statement)))) == 1


@pytest.mark.parametrize(
    ("place", "statement"),
    [
        ("fleet.py", "import moonraker.common"),
        ("bridges/bambu/bridge.py", "import aiohttp"),
        ("core/model.py", "from moonraker.common import WebRequest"),
        ("api.py", "from tornado.web import RequestHandler"),
    ],
)
def test_a_guest_in_the_wrong_room_is_found(place: str, statement: str):
    assert len(wrong_guests(list(imports(HOUSE / place, statement)))) == 1


def test_pure_packages_import_without_any_host():
    """In a fresh interpreter where neither host nor any third-party package can be imported."""
    modules = [
        dotted(path)
        for path in sources()
        if room(dotted(path)) in ("core", "thermal", "bridges.base", "bridges.protocol", "fleet")
    ]
    assert any(".core.model" in name for name in modules)
    assert any(".protocol" in name for name in modules)
    assert any("heater_eta.thermal" in name for name in modules)
    program = f"""
import importlib, sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {sorted([*OUTSIDE, "klippy", "extras", "numpy"])!r}:
            raise ImportError("not here: " + name)
sys.meta_path.insert(0, Blocked())
sys.path[:0] = [{str(HOUSE.parent)!r}, {str(EXTRA.parent)!r}]
for name in {modules!r}:
    importlib.import_module(name)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_files_stay_small():
    """One duty each: a file that grows over 450 lines wants to be two."""
    large = {
        str(path.relative_to(ROOT)): lines
        for path in sources()
        if (lines := len(path.read_text().splitlines())) > 450
    }
    assert large == {}
