# install.sh: what it refuses, what it asks for, what it says
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The script with stubbed system commands; nothing is installed here."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BASH = shutil.which("bash") or "/bin/bash"


def run(*words: str, path: str = "", **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [str(ROOT / "install.sh"), *words],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment, **({"PATH": path} if path else {})},
        cwd="/",
    )


@pytest.fixture
def stubs(tmp_path):
    """A PATH of its own: bash's everyday tools, and what a test puts there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("bash", "cat", "dirname", "env", "grep", "mkdir", "readlink", "rm", "tail"):
        found = shutil.which(tool)
        assert found is not None
        (folder / tool).symlink_to(found)

    def stub(name: str, script: str) -> None:
        place = folder / name
        place.write_text(f"#!{BASH}\n{script}\n")
        place.chmod(0o755)

    stub.path = str(folder)
    stub.log = tmp_path / "calls.log"
    return stub


def setup(function: str, path: str, **environment: str) -> subprocess.CompletedProcess:
    """One function of tests/setup.sh, with the stubs as the whole world."""
    return subprocess.run(
        [BASH, "-c", f"set -Eeuo pipefail; . tests/setup.sh; {function}"],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        env={"PATH": path, "HOME": "/nonexistent", **environment},
        stdin=subprocess.DEVNULL,
    )


def test_without_a_word_it_says_how_to_use_it():
    result = run()
    assert result.returncode == 2
    assert "usage: ./install.sh demo" in result.stderr
    assert run("--help").returncode == 0


def test_an_unknown_word_is_named():
    result = run("fly")
    assert result.returncode == 2
    assert "unknown sub-command 'fly'" in result.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--speed", "fast"], "'fast' is not a number"),
        (["--speed", "500"], "500 is out of range; use 0.5 to 50"),
        (["--speed"], "expected one argument"),
        (["--port", "0"], "'0' is no port; use 1 to 65535"),
        (["--port", "http"], "'http' is no port"),
        (["--klipper", "/nonexistent"], "holds no klippy/klippy.py"),
        (["--chekc"], "unrecognized arguments: --chekc"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_set_up(words, sentence, tmp_path):
    result = run("demo", *words, MOONFLEET_ENVS=str(tmp_path / "envs"), PYTHON=sys.executable)
    assert result.returncode == 2, result.stderr
    assert sentence in result.stderr
    assert not (tmp_path / "envs").exists()


def test_a_relative_folder_is_the_callers(tmp_path):
    (tmp_path / "klipper" / "klippy").mkdir(parents=True)
    (tmp_path / "klipper" / "klippy" / "klippy.py").touch()
    script = "from tests.demo.options import parse; print(parse(['--klipper', 'klipper']).klipper)"
    result = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "MOONFLEET_CALLER": str(tmp_path)},
    )
    assert result.stdout.strip() == str(tmp_path / "klipper"), result.stderr


def test_help_of_the_demo_sets_nothing_up(tmp_path):
    result = run("demo", "--help", MOONFLEET_ENVS=str(tmp_path / "envs"), PYTHON=sys.executable)
    assert result.returncode == 0
    assert "--klipper DIR" in result.stdout and "--check" in result.stdout
    assert not (tmp_path / "envs").exists()


def test_missing_packages_without_root_or_sudo_give_the_line_to_type(stubs):
    stubs("id", "echo 1000")
    stubs("apt-get", f"echo apt-get >>{stubs.log}")
    result = setup("install_packages python3-venv libsodium23", stubs.path)
    assert result.returncode == 3
    assert "type: sudo apt-get install -y python3-venv libsodium23" in result.stderr
    assert not stubs.log.exists()


def test_missing_packages_are_installed_with_sudo(stubs):
    stubs("id", "echo 1000")
    stubs("sudo", f'echo "sudo $*" >>{stubs.log}; [ "$1" = -n ] || exec "$@"')
    stubs("apt-get", f'echo "apt-get $*" >>{stubs.log}')
    result = setup("install_packages libsodium23", stubs.path)
    assert result.returncode == 0, result.stderr
    calls = stubs.log.read_text().splitlines()
    assert "sudo apt-get update -qq" in calls
    assert any(c.startswith("apt-get install -y") and c.endswith(" libsodium23") for c in calls)


def test_missing_packages_are_installed_by_root_without_sudo(stubs):
    stubs("id", "echo 0")
    stubs("apt-get", f'echo "apt-get $*" >>{stubs.log}')
    result = setup("install_packages libsodium23", stubs.path)
    assert result.returncode == 0, result.stderr
    assert "apt-get update -qq" in stubs.log.read_text()


def test_a_failing_package_manager_ends_with_the_line_to_type(stubs):
    stubs("id", "echo 0")
    stubs("apt-get", "exit 100")
    result = setup("install_packages libsodium23", stubs.path)
    assert result.returncode == 1
    assert "sudo apt-get install -y libsodium23" in result.stderr


def test_another_distribution_gets_the_names(stubs):
    result = setup("install_packages libsodium23", stubs.path)
    assert result.returncode == 3
    assert "please install: libsodium23" in result.stderr


def test_an_old_python_is_refused_with_a_remedy(stubs):
    stubs("old", '[ "$1" = --version ] && echo Python 3.7.3 || exit 1')
    result = setup("require_python", stubs.path, PYTHON="old")
    assert result.returncode == 3
    assert "Python 3.7.3 is too old: Moonfleet needs Python 3.9 or later" in result.stderr
    assert "PYTHON=python3.11" in result.stderr


def test_a_python_that_is_not_there_installs_nothing(stubs):
    stubs("id", "echo 0")
    stubs("apt-get", f"echo apt-get >>{stubs.log}")
    result = setup("setup_base", stubs.path, PYTHON="python9")
    assert result.returncode == 3
    assert "no python9 on this machine" in result.stderr
    assert not stubs.log.exists()


def test_python_39_is_told_that_it_gets_an_older_moonraker(stubs):
    # 3.9: ">= 3.9" is true and ">= 3.10" is not
    stubs(
        "python39", '[ "$1" = --version ] && echo Python 3.9.2 && exit; [[ "$2" != *"(3, 10)"* ]]'
    )
    result = setup("make_env() { echo made $1; }; setup_demo", stubs.path, PYTHON="python39")
    assert result.returncode == 0, result.stderr
    assert "[SKIP] Moonraker 0.11 needs Python 3.10" in result.stdout
    assert "made demo" in result.stdout
