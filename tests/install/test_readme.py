# README and its neighbours say what is there
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The demo's options and the commands; tests/unit/test_docs_links.py follows the links."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_readme_lists_every_option_of_the_demo():
    reply = subprocess.run(
        [sys.executable, "-m", "tests.demo.options", "--help"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    options = set(re.findall(r"--[a-z]+", reply.stdout)) - {"--help"}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert {option for option in options if f"`{option}" not in readme} == set()


def test_every_command_of_readme_and_contributing_exists():
    for name in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        for command in re.findall(r"(?:^|`)(\.?/?(?:tests|\.ci)/run|\./install\.sh)\b", text, re.M):
            assert (ROOT / command).is_file(), command
