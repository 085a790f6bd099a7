#!/usr/bin/env bash
# Moonfleet's front door: the demo and the tests, in private environments under .envs/.
set -Eeuo pipefail
umask 022
export MOONFLEET_CALLER="$PWD" # relative folders are the caller's
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"

# shellcheck source=tests/setup.sh
. tests/setup.sh

usage() {
    cat <<'USAGE'
usage: ./install.sh demo [--check] [--speed N] [--klipper DIR] [--port N]
       ./install.sh test [PYTEST ARGUMENT...]

demo   run a real Moonraker with Moonfleet on emulated printers; Ctrl-C stops everything
       (./install.sh demo --help explains its options)
test   set up what the tests need and run them

PYTHON names another python3 (3.9 or later), MOONFLEET_ENVS another place than .envs/.
Exit codes: 0 all well, 1 failed, 2 wrong usage, 3 something is missing on this machine.
USAGE
}

demo() {
    local python word klipper=""
    if python="$(command -v "$PYTHON")" && supported_python "$python"; then
        "$python" -m tests.demo.options "$@" >/dev/null || exit 2
    fi
    setup_base
    require_python
    for word in "$@"; do
        case "$word" in
        --klipper | --klipper=*) klipper=yes ;;
        esac
    done
    setup_demo
    if [ -n "$klipper" ]; then
        setup_klippy
        export MOONFLEET_KLIPPY_PYTHON="$ENV_DIR/klippy/bin/python"
    fi
    exec "$ENV_DIR/demo/bin/python" -m tests.demo "$@"
}

case "${1:-}" in
demo)
    shift
    case " $* " in
    *" -h "* | *" --help "*) exec "$PYTHON" -m tests.demo.options --help ;;
    esac
    demo "$@"
    ;;
test)
    shift
    exec tests/run "$@"
    ;;
-h | --help | help)
    usage
    ;;
"")
    usage >&2
    exit 2
    ;;
*)
    printf "[FAIL] unknown sub-command '%s'\n" "$1" >&2
    usage >&2
    exit 2
    ;;
esac
