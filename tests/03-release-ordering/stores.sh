#!/bin/sh
# stores.sh - the two stores of stores.c, compiled for two processors.
#
# clang compiles for arm64 without a further package. 69 where there is
# no clang.
set -eu

source=code/03-release-ordering/exhibits/stores.c
command -v clang >/dev/null || {
    echo "clang is not installed" >&2
    exit 69
}

# The instruction that target $1 begins function $2 with.
first_of() {
    clang --target="$1" -ffreestanding -O2 -S -o - "$source" |
        awk -v name="$2:" '$1 == name {inside = 1; next}
            inside && $1 ~ /^[a-z]/ {$1 = $1; print; exit}'
}

printf '%-18s%-20s%s\n' '' x86-64 arm64
for name in publish_relaxed publish_release; do
    printf '%-18s%-20s%s\n' $name \
        "$(first_of x86_64-linux-gnu $name)" \
        "$(first_of aarch64-linux-gnu $name)"
done
