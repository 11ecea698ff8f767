#!/bin/sh
# Each memory tool finds each mistake of some programs, in its own words,
# and has nothing to say of the clean run.
#
#   tests/support/tools.sh DIRECTORY PROGRAM...
#
# The directory holds the programs three times, in asan, valgrind and msan,
# as `make check-memory` builds them; a tool for which they could not be
# built is skipped. Without arguments a program names its mistakes.
set -u
directory=$1
shift
failed=0

fail() {
    echo "$1: $2" >&2
    printf '%s\n' "$output" | sed 's/^/    /' >&2
    failed=1
}

# run TOOL PROGRAM MISTAKE: $output and $status; 9 is what a tool says.
run() {
    case $1 in
    asan) set -- env ASAN_OPTIONS=exitcode=9 "$2" "$3" ;;
    msan) set -- env MSAN_OPTIONS=exitcode=9 "$2" "$3" ;;
    valgrind) set -- valgrind -q --error-exitcode=9 "$2" "$3" ;;
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

# finds TOOL PROGRAM MISTAKE: the tool's words, and where it was made.
finds() {
    run "$1" "$2" "$3"
    function=$(echo "$3" | tr - _)
    if [ $status -ne 9 ]; then
        fail "$1, $2 $3" "exit status $status, not 9:"
    elif ! printf '%s\n' "$output" | grep -q "$(words "$1")"; then
        fail "$1, $2 $3" "no \"$(words "$1")\":"
    elif ! printf '%s\n' "$output" |
        grep -Eq "(in|by 0x[0-9A-F]+:) $function "; then
        fail "$1, $2 $3" "$function is not named:"
    else
        echo "$1 finds $3 of ${2#"$directory/$1/"}: $(words "$1")"
    fi
}

# judge TOOL PROGRAM: the clean run, then every mistake.
judge() {
    run "$1" "$2" clean
    if [ $status -eq 77 ]; then
        echo "SKIPPED, $1: $output"
        return
    fi
    if [ $status -ne 0 ] || [ "$output" != "clean: done" ]; then
        fail "$1, $2 clean" "exit status $status, reported:"
        return
    fi
    mistakes=$("$2") && [ "$mistakes" ] || fail "$1, $2" "no mistakes"
    for mistake in $mistakes; do
        finds "$1" "$2" "$mistake"
    done
}

for tool in asan valgrind msan; do
    if [ ! -d "$directory/$tool" ]; then
        echo "SKIPPED, $tool: its compiler, header or runtime is missing"
    elif [ $tool = valgrind ] && ! command -v valgrind >/dev/null; then
        echo "SKIPPED, valgrind: not installed"
    else
        for program; do
            judge $tool "$directory/$tool/$program"
        done
    fi
done
exit $failed
