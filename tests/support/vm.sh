# shellcheck shell=bash
# For scripts that drive the vm from outside; to be sourced by bash with `set -euo pipefail`.

# Options that each such script takes; `build` is left as an absolute path.
build=build/release
parse_build() {
    while [ $# -gt 0 ]; do
        case $1 in
            --build) build=$2 && shift 2 ;;
            *) shift ;;
        esac
    done
    build=$(cd "$build" && pwd)
    PATH=$build:$PATH
    command -v vm >/dev/null || die "$build holds no vm"
    if [ ! -f "$build/samples/hello.wasm" ]; then
        say "test skipped: no guests in $build: clang-16 was missing when it was built"
        exit 77
    fi
}

# A folder of one's own, which goes at the end together with everything started meanwhile.
make_scratch() {
    scratch=$(mktemp -d "$build/scratch.XXXXXX")
    trap 'kill -9 $(jobs -p) 2>/dev/null || true; rm -rf "$scratch"' EXIT
    cd "$scratch" || exit 1
    export XDG_STATE_HOME=$scratch/state
}

say() { printf '%s\n' "$*"; }
die() {
    printf 'FAILED: %s\n' "$*"
    exit 1
}

# Prints a command as it would be typed.
say_command() {
    local word line="$"
    for word in "$@"; do
        case $word in
            *" "*) line+=" '$word'" ;;
            *) line+=" $word" ;;
        esac
    done
    say "$line"
}

# Prints a command, then does it.
show() {
    say_command "$@"
    "$@"
}

# await SECONDS WHAT COMMAND…: until the command succeeds.
await() {
    local deadline=$((SECONDS + $1)) what=$2
    until "${@:3}"; do
        [ $SECONDS -lt $deadline ] || die "waited too long for $what"
        sleep 0.05
    done
}

# json_values NAME: every value of that field in the JSON on stdin, a line each. For numbers and for
# strings without punctuation.
json_values() {
    tr ',{}[]' '\n\n\n\n\n' | sed -n "s/^ *\"$1\": *\"\{0,1\}\([^\"]*[^\" ]\)\"\{0,1\} *\$/\1/p"
}
