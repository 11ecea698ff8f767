#!/bin/sh
# Each memory tool finds each mistake of misuse.c, in its own words, and
# has nothing to say of the clean run.
#
#   tests/05-pool/tools.sh DIRECTORY
#
# The directory holds misuse-asan, misuse-valgrind and misuse-msan, as
# `make check-memory` builds them; one that could not be built is skipped.
set -u
directory=$1
failed=0

fail() {
    echo "$1: $2" >&2
    printf '%s\n' "$output" | sed 's/^/    /' >&2
    failed=1
}

# run TOOL MISTAKE: $output and $status; 9 is what a tool says.
run() {
    set -- "$1" "$2" "$directory/misuse-$1"
    case $1 in
    asan) set -- env ASAN_OPTIONS=exitcode=9 "$3" "$2" ;;
    msan) set -- env MSAN_OPTIONS=exitcode=9 "$3" "$2" ;;
    valgrind) set -- valgrind -q --error-exitcode=9 "$3" "$2" ;;
    esac
    output=$("$@" 2>&1)
    status=$?
}

# words TOOL: what it calls a byte that is not the application's.
words() {
    case $1 in
    asan) echo 'AddressSanitizer: use-after-poison' ;;
    msan) echo 'MemorySanitizer: use-of-uninitialized-value' ;;
    valgrind) echo 'Invalid read of size 1' ;;
    esac
}

for tool in asan valgrind msan; do
    if [ ! -x "$directory/misuse-$tool" ]; then
        echo "SKIPPED, $tool: its compiler, header or runtime is missing"
        continue
    fi
    if [ $tool = valgrind ] && ! command -v valgrind >/dev/null; then
        echo "SKIPPED, valgrind: not installed"
        continue
    fi
    run $tool clean
    if [ $status -eq 77 ]; then
        echo "SKIPPED, $tool: $output"
        continue
    fi
    if [ $status -ne 0 ] || [ "$output" != "clean: done" ]; then
        fail "$tool, clean" "exit status $status, reported:"
        continue
    fi
    for mistake in after-release past-filled neighbour; do
        run $tool $mistake
        function=$(echo $mistake | tr - _)
        if [ $status -ne 9 ]; then
            fail "$tool, $mistake" "exit status $status, not 9:"
        elif ! printf '%s\n' "$output" | grep -q "$(words $tool)"; then
            fail "$tool, $mistake" "no \"$(words $tool)\":"
        elif ! printf '%s\n' "$output" |
            grep -Eq "(in|by 0x[0-9A-F]+:) $function "; then
            fail "$tool, $mistake" "$function is not named:"
        else
            echo "$tool finds $mistake: $(words $tool)"
        fi
    done
done
exit $failed
