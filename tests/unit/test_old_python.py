# The product's source is what Python 3.9 understands
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""By syntax, and by what the standard library has had only later. The tests run on a newer one."""

from __future__ import annotations

import ast
import pathlib
from collections.abc import Iterator

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HALVES = (ROOT / "klippy_extras", ROOT / "moonraker_components", ROOT / "docs" / "examples")
# module -> names that came after 3.9
LATER = {
    "asyncio": {"timeout", "timeout_at", "TaskGroup", "Runner", "Barrier"},
    "itertools": {"pairwise", "batched"},
    "enum": {"StrEnum", "verify", "member", "nonmember"},
    "datetime": {"UTC"},
    "typing": {
        *("TypeAlias", "ParamSpec", "TypeGuard", "Self", "Never", "NotRequired", "Required"),
        *("assert_never", "override", "Concatenate", "LiteralString", "Unpack", "reveal_type"),
    },
    "types": {"NoneType", "UnionType", "EllipsisType"},
    "contextlib": {"aclosing", "chdir"},
    "hashlib": {"file_digest"},
    "math": {"cbrt", "exp2", "sumprod"},
    "inspect": {"get_annotations"},
    "sys": {"exception", "orig_argv", "stdlib_module_names"},
}
MODULES = {"tomllib"}
# keyword arguments that came after 3.9
ARGUMENTS = {"zip": {"strict"}, "dataclass": {"slots", "kw_only"}, "field": {"kw_only"}}


def sources() -> list[pathlib.Path]:
    return sorted({path.resolve() for half in HALVES for path in half.rglob("*.py")})


def too_new(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text, feature_version=(3, 9))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] in MODULES:
                    yield f"line {node.lineno}: {alias.name}"
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if alias.name in LATER.get(node.module or "", ()):
                    yield f"line {node.lineno}: {node.module}.{alias.name}"
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.attr in LATER.get(node.value.id, ()):
                yield f"line {node.lineno}: {node.value.id}.{node.attr}"
        elif isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            for keyword in node.keywords:
                if keyword.arg in ARGUMENTS.get(name, ()):
                    yield f"line {node.lineno}: {name}({keyword.arg}=)"


def test_there_is_something_to_look_at():
    assert len(sources()) > 80


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.stem)
def test_it_is_for_python_3_9(path: pathlib.Path):
    text = path.read_text(encoding="utf-8")
    assert list(too_new(text)) == []
    annotated = "|" in text and "from __future__ import annotations" not in text
    unions = [
        node.lineno
        for node in ast.walk(ast.parse(text))
        if annotated and isinstance(node, (ast.arg, ast.AnnAssign)) and node.annotation is not None
        if any(isinstance(part, ast.BitOr) for part in ast.walk(node.annotation))
    ]
    assert unions == [], "X | Y needs the future import"


@pytest.mark.parametrize(
    "text",
    [
        "import tomllib",
        "from itertools import pairwise",
        "import asyncio\nasyncio.timeout(1)",
        "zip(a, b, strict=True)",
        "@dataclass(slots=True)\nclass A: pass",
    ],
)
def test_what_is_too_new_is_found(text: str):
    assert len(list(too_new(text))) == 1


def test_newer_syntax_is_found():
    with pytest.raises(SyntaxError):
        list(too_new("match x:\n    case 1:\n        pass\n"))
