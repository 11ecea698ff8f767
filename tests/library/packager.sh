#!/bin/sh
# packager.sh - the build does what a distribution expects of it: its own
# compiler, tools and flags are used everywhere, hardening and link-time
# optimisation do no harm, and the tests can be run on their own.
# Wants $MAKE. Every test is a function below, as in install.sh.
set -u

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

wrong() {
    echo "tests/library/packager.sh:1: $*" >&2
    failed=1
}

# Its own jobs, and no flags but those given.
build() {
    env -u CC -u AR -u CFLAGS -u CPPFLAGS -u LDFLAGS -u PKG_CONFIG \
        MAKEFLAGS='' "$@"
}
make=${MAKE:-make}

# A compiler and a pkg-config that can be told from all others.
fakes() {
    mkdir "$work/tools"
    cat >"$work/cc" <<END
#!/bin/sh
for word; do
    case \$word in
    -print-prog-name=*) echo "$work/tools/\${word#*=}" ;;
    esac
done
END
    cat >"$work/pkg-config" <<'END'
#!/bin/sh
echo "-$1-of-$2"
END
    chmod +x "$work/cc" "$work/pkg-config"
}

# Every command that $@, a make, would build everything with goes to
# $work/plan, one a line.
plan() {
    build "$@" -n V=1 B="$work/never" CC="$work/cc" \
        PKG_CONFIG="$work/pkg-config" programs tests lib $others |
        sed -e ':a' -e '/\\$/{N' -e 's/\\\n[[:space:]]*/ /' -e 'ba' -e '}' \
            >"$work/plan"
    grep -e ' -o ' "$work/plan" >"$work/commands"
    grep -e ' -c ' "$work/commands" >"$work/compiling"
    grep -v -e ' -[cr] ' "$work/commands" >"$work/linking"
}

# Every line of file $1 of the plan has the word $2.
everywhere() {
    [ -s "$work/$1" ] || wrong "$1: no command at all?"
    grep -v -e " $2 " "$work/$1" >&2 && wrong "$1 without $2"
}

# What users say, by the environment or on the command line, reaches every
# command; warnings are errors in the checks alone.
flags() {
    others=
    for exercise in tests/[0-9]*/exercise.c; do
        stage=${exercise#tests/}
        others="$others grade-${stage%/*}"
    done
    for misuse in tests/[0-9]*/misuse.c; do
        others="$others $work/never/${misuse%.c}"
    done
    set -- CPPFLAGS=-DFROM_CPPFLAGS CFLAGS=-DFROM_CFLAGS \
        LDFLAGS=-Lfrom_ldflags
    for way in environment command; do
        case $way in
        environment) plan env "$@" $make ;;
        command) plan $make "$@" ;;
        esac
        for word in -DFROM_CPPFLAGS -DFROM_CFLAGS \
            ---cflags-of-liburing; do
            everywhere compiling $word
        done
        for word in -DFROM_CFLAGS -Lfrom_ldflags; do
            everywhere linking $word
        done
    done
    grep -e '-Werror' "$work/plan" >&2 && wrong "-Werror for a user"
    grep -e '-luring' -e '-lcheck' "$work/plan" >&2 &&
        wrong "a library that pkg-config did not name"
    for tool in ar objcopy; do
        grep -q "^$work/tools/$tool " "$work/plan" ||
            wrong "$tool is not the compiler's"
    done
    build $make -n V=1 B="$work/never" check-gcc | grep -q -e '-Werror' ||
        wrong "warnings are no errors in the checks"
}

# Without N all tests of all stages run, and that is all that is done.
test_verb() {
    build $make -n B="$work/never" test >"$work/plan"
    for test in tests/[0-9]*/test_*.c; do
        grep -q "$work/never/${test%.c} .*results" "$work/plan" ||
            wrong "make test does not run ${test%.c}"
    done
    grep -e apt-get -e 'setup\.sh' "$work/plan" |
        grep -v 'setup\.sh want' >&2 &&
        wrong "make test installs something"
    build $make -n test N=99 >/dev/null 2>&1 &&
        wrong "make test does not miss stage 99"
}

clean() {
    mkdir "$work/cleaned" "$work/kept"
    build $make -s clean B="$work/cleaned"
    [ ! -e "$work/cleaned" ] && [ -e "$work/kept" ] ||
        wrong "make clean B=... does not remove just that"
}

# Those of the options that the compiler takes here.
known() {
    for option; do
        gcc "$option" -c -x c -o /dev/null /dev/null 2>/dev/null &&
            printf '%s ' "$option"
    done
}

# With the flags of distributions the library is what they ask for, and
# the tests can still make its memory fail.
hardened() {
    id=5eed5eed5eed5eed
    build $make -s B="$work/hard" CFLAGS="-g -O2 -flto $(known \
        -fstack-protector-strong -fstack-clash-protection \
        -fcf-protection)" \
        CPPFLAGS="-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3" \
        LDFLAGS="-Wl,-z,relro -Wl,-z,now -Wl,--build-id=0x$id" \
        lib "$work/hard/results/05-pool/test_create.done" \
        >"$work/log" 2>&1 || wrong "hardened: the build, or a test"
    grep -e 'warning:' -e ':[FE]:' -e '\*\*\*' "$work/log" >&2 &&
        wrong "hardened: it is not without complaint"
    readelf -nd "$work/hard/lib/libreadbuf.so" >"$work/elf"
    for sign in "ID: $id" BIND_NOW; do
        grep -q "$sign" "$work/elf" || wrong "libreadbuf.so: no $sign"
    done
    [ -z "$(known -fcf-protection)" ] || readelf -n \
        "$work/hard/lib/libreadbuf.a" | grep -q IBT ||
        wrong "libreadbuf.a: not all of it has -fcf-protection"
    readelf -S "$work/hard/lib/libreadbuf.a" | grep lto >&2 &&
        wrong "libreadbuf.a is not machine code"
}

# Code that a compiler puts into every object, to be shared by all, is
# shared with the program too. On 32-bit x86 no code is without it; here
# an option has the same effect.
shared_code() {
    [ "$(known -mfunction-return=thunk)" ] || {
        echo "SKIPPED: code shared between objects; no option for it"
        return
    }
    build $make -s B="$work/shared" CFLAGS="-O2 -mfunction-return=thunk \
        -fcf-protection=none" lib >/dev/null ||
        wrong "shared code: the build"
    cat >"$work/len.c" <<'END'
#include <readbuf.h>
int main(void)
{
    struct readbuf buf = {0};
    return readbuf_len(&buf) != 0;
}
END
    gcc -mfunction-return=thunk -fcf-protection=none \
        $(printf ' -I%s' code/*/) "$work/len.c" "$work/shared/lib/libreadbuf.a" \
        -luring -o "$work/len" && "$work/len" ||
        wrong "a program with shared code does not link"
}

fakes
for test in flags test_verb clean hardened shared_code; do
    $test
done
exit $failed
