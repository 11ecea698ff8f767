#!/bin/sh
# stores.sh - the two stores of stores.c, compiled for two processors.
#
# clang compiles for arm64 without a further package. 77 where there is
# no clang.
set -eu

source=code/03-release-ordering/exhibits/stores.c
command -v clang >/dev/null || {
    echo "clang is not installed" >&2
    exit 77
}

# Function names and the stores in them, in the order of the source.
stores() {
    clang --target="$1" -ffreestanding -O2 -S -o - "$source" |
        sed -n -E 's/^(publish_[a-z]+):.*/\1/p; s/^\t(mov[wl]|xchg[wl]|st[a-z]+)\t(.*)$/    \1 \2/p' |
        sed 's/[ \t]*[#/].*//'
}

for target in x86_64-linux-gnu aarch64-linux-gnu; do
    echo "$target"
    stores "$target" | sed -n '/^publish_/{p;n;p;}' | sed 's/^/  /'
done
