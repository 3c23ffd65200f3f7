# shellcheck shell=bash
# For the scripts beside this that take one guest through a session: it runs detached, is suspended,
# killed and resumed, and must have done in the end what it does undisturbed.

source "$(dirname "${BASH_SOURCE[0]}")/../tests/support/vm.sh"
patience_s=120

# begin GUEST "$@": a scratch directory to be in, with a store of its own and the guest.
begin() {
    local guest=$1
    shift
    parse_build "$@"
    if [ ! -f "$build/samples/$guest" ]; then
        say "test skipped: no $guest in $build: its compiler was missing when it was built"
        exit 77
    fi
    make_scratch
    trap 'end_session' EXIT
    cp "$build/samples/$guest" .
    mkdir work reference
    export SOJOURN_STORE=$scratch/store
}

end_session() {
    # shellcheck disable=SC2046
    kill -9 $(runners) $(jobs -p) 2>/dev/null || true
    rm -rf "$scratch"
}

# The pids of all that run.
runners() { vm ps --json 2>/dev/null | json_values pid | sed '/null/d'; }

has_said() { vm logs "$1" 2>/dev/null | grep -qF -- "$2"; }

# await_said NAME TEXT: until the process has said so since it began.
await_said() { await "$patience_s" "$1 to say: $2" has_said "$1" "$2"; }

# kill_runner NAME: the only one there is, without a chance to save anything.
kill_runner() {
    # shellcheck disable=SC2046
    show kill -9 $(runners) || say "  … $1 was faster"
    vm wait "$1" 2>/dev/null || true
}

has_ended() { vm ps | grep -q "^$1  *exited"; }

# attach NAME: keys typed by type_in go to the process from now on.
attach() {
    say_command vm attach "$1"
    rm -f keys
    mkfifo keys
    vm attach "$1" <keys >/dev/null 2>&1 &
    exec 3>keys
}
type_in() { printf '%s\n' "$@" >&3; }
# The process goes on, or has ended. What is typed does not end before who types has gone: the end
# would be the guest's.
detach() {
    kill %% 2>/dev/null || true
    wait %% 2>/dev/null || true
    exec 3>&-
}

expect_equal() {
    cmp "$1" "$2" || die "$3 differ from those of an undisturbed run"
    say "Equal: $3."
}
