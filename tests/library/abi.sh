#!/bin/sh
# abi.sh [--accept] LIBRARY HEADER... - what programs were compiled against
# is still what the library has.
#
# The baseline says what the last release looked like to a program: calls,
# their parameters, the public structs. Something more is fine, something
# removed or changed is not. `--accept` makes the library at hand the
# baseline. Numbers depend on the machine, so only one kind is compared.
set -eu

accept=
[ "$1" != --accept ] || { accept=yes; shift; }
library=$1
shift
baseline=docs/abi/baseline
ignore=docs/abi/ignore.ini

if [ "$(uname -m)" != x86_64 ]; then
    echo "SKIPPED: the ABI; the baseline is x86_64's, this is $(uname -m)"
    exit 0
fi
if ! command -v abidw >/dev/null || ! command -v abidiff >/dev/null; then
    echo "SKIPPED: the ABI; install abigail-tools"
    exit 0
fi

now=$(mktemp -d)
trap 'rm -rf "$now"' EXIT

# What the public headers do not define is none of a program's business.
for header; do
    set -- "$@" --header-file "$header"
    shift
done
abidw --no-corpus-path --no-comp-dir-path --no-show-locs \
    --no-elf-needed --exported-interfaces-only --drop-private-types "$@" \
    --out-file "$now/abi" "$library"

if [ "$accept" ]; then
    cp "$now/abi" $baseline
    exit 0
fi
if ! abidiff --no-added-syms --suppressions $ignore \
    $baseline "$now/abi" >"$now/said"; then
    cat "$now/said" >&2
    echo "$baseline:1: programs that run today would not, see above." \
        "If that is meant: a new SONAME, then make abi-baseline" >&2
    exit 1
fi
