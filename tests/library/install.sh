#!/bin/sh
# install.sh HEADER... - install the library and use it as a stranger does,
# through pkg-config and the installed files alone; then uninstall it.
# Wants $B, where things are built, and $MAKE. Every test is a function
# below, with a sentence on what it shows; all run, the exit status is 1
# if one failed.
set -u

B=${B:-build}
prefix=/opt/borrowed
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
dest="$stage/a root"
root=$dest$prefix
failed=0

wrong() {
    echo "tests/library/install.sh:1: $*" >&2
    failed=1
}

# The compiler of a stranger who likes warnings. liburing 2.3's own header
# needs _GNU_SOURCE where -std= takes the compiler's extensions away.
strict="-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Werror \
    -D_GNU_SOURCE"

# The file is elsewhere than its prefix says, so pkg-config is told to
# take the prefix from where the file is.
flags() {
    PKG_CONFIG_PATH="$root/lib/pkgconfig" \
        pkg-config --define-prefix "$@" readbuf
}

make_verb() {
    # Its own jobs, not those of the make that runs this.
    MAKEFLAGS='' ${MAKE:-make} -s "$1" B="$B" PREFIX=$prefix \
        DESTDIR="$dest" LIBDIR=$prefix/lib \
        INCLUDEDIR=$prefix/include MANDIR=$prefix/share/man
}

# Every file is where it belongs, and there is no other.
file_list() {
    calls=$(cat "$stage/calls")
    {
        for header in $headers; do
            echo "include/${header##*/}"
        done
        echo lib/libreadbuf.a
        echo lib/libreadbuf.so
        echo lib/libreadbuf.so.0
        echo "lib/libreadbuf.so.$(flags --modversion)"
        echo lib/pkgconfig/readbuf.pc
        echo share/man/man3/readbuf_bytes.3
        echo share/man/man7/readbuf.7
        printf 'share/man/man3/%s.3\n' $calls
    } | LC_ALL=C sort >"$stage/expected"
    (cd "$root" && find . ! -type d | sed 's|^\./||' | LC_ALL=C sort) \
        >"$stage/found"
    diff "$stage/expected" "$stage/found" >&2 ||
        wrong "the installed files (>) are not those expected (<)"
    (cd "$dest" && find . -type f ! -path ".$prefix/*") |
        grep . >&2 && wrong "files outside the prefix"
    for file in "$root"/include/* "$root"/share/man/man?/*; do
        [ "$(stat -c %a "$file")" = 644 ] || wrong "mode of $file"
    done
}

# What readbuf.pc says is true of the place it was installed for.
pkg_config_file() {
    export PKG_CONFIG_PATH="$root/lib/pkgconfig"
    [ "$(pkg-config --variable=libdir readbuf)" = $prefix/lib ] &&
        [ "$(pkg-config --variable=includedir readbuf)" = \
            $prefix/include ] ||
        wrong "readbuf.pc does not say where the files are"
    pkg-config --print-requires readbuf | grep -q '^liburing' ||
        wrong "readbuf.pc does not require liburing"
    unset PKG_CONFIG_PATH
    find "$root" -type f -name '*.[h37p]*' ! -name '*.so*' \
        -exec grep -l '@[a-z]*@' {} + >&2 && wrong "an @word@ was left"
}

# The global names in object files. Those that begin with __ are the
# compiler's, who shares some of its code between objects.
globals() {
    nm -g --defined-only "$@" |
        awk 'NF == 3 && $3 !~ /^__/ {print $3}' | sort -u
}

# The version is one: of the package, of the headers, of the library.
version() {
    cat >"$stage/version.c" <<'END'
#include <readbuf.h>
#include <stdio.h>
int main(void)
{
    unsigned v = readbuf_version();
    printf("%u.%u.%u\n", v >> 16, v >> 8 & 255, v & 255);
    return v != READBUF_VERSION;
}
END
    eval "cc $strict \"$stage/version.c\" -o \"$stage/version\" \
        $(flags --cflags --libs)" &&
        said=$(LD_LIBRARY_PATH="$root/lib" "$stage/version") &&
        [ "$said" = "$(flags --modversion)" ] ||
        wrong "the version: ${said-}, but pkg-config: $(flags --modversion)"
}

# The shared library shows programs the calls of the headers and nothing
# else, and so does the static one to the linker.
exported() {
    nm -D --defined-only "$root/lib/libreadbuf.so" |
        awk '$2 != "A" {sub(/@.*/, "", $3); print $3}' | sort |
        diff "$stage/calls" - >&2 ||
        wrong "libreadbuf.so has other symbols (>) than the headers (<)"
    globals "$root/lib/libreadbuf.a" | diff "$stage/calls" - >&2 ||
        wrong "libreadbuf.a has other symbols (>) than the headers (<)"
    readelf -d "$root/lib/libreadbuf.so" |
        grep -q 'soname: \[libreadbuf\.so\.0\]' || wrong "the soname"
}

# The program after the line `<!-- program -->` of a text.
program_of() {
    awk '/^<!-- program -->$/ {near = 1; next}
        near && /^```c$/ {inside = 1; near = 0; next}
        inside && /^```$/ {exit}
        inside {print}' "$1"
}

# $1 is a program that was linked: it copies its input, if it may.
copies() {
    LD_LIBRARY_PATH="$root/lib" "$1" <LICENSE >"$stage/copy" 2>"$stage/said"
    status=$?
    if [ "$refused" -eq 77 ]; then
        echo "SKIPPED: running $(basename "$1"); io_uring is refused here"
    elif [ $status -ne 0 ] || ! cmp -s LICENSE "$stage/copy"; then
        cat "$stage/said" >&2
        wrong "$(basename "$1") exits with $status, or copies wrongly"
    fi
}

# $1 names what was linked, from the sources that follow. A stranger needs
# nothing but pkg-config, for the shared and for the static library. The
# static one is found because there is no other in its folder.
links_both_ways() {
    what=$1
    shift
    eval "cc $strict \"\$@\" -o \"$stage/$what-shared\" \
        $(flags --cflags --libs)" || wrong "$what: shared linking" ||
        return
    copies "$stage/$what-shared"
    readelf -d "$stage/$what-shared" | grep -q 'libreadbuf\.so\.0' ||
        wrong "$what does not need libreadbuf.so.0"

    root=$stage/static
    eval "cc $strict \"\$@\" -o \"$stage/$what-static\" \
        $(flags --static --cflags --libs)" || wrong "$what: static linking"
    root=$dest$prefix
    [ -x "$stage/$what-static" ] || return
    copies "$stage/$what-static"
    readelf -d "$stage/$what-static" | grep libreadbuf >&2 &&
        wrong "$what is not linked statically"
}

# A program may be static as a whole, and position-independent as well.
static_pie() {
    echo 'int main(void) { return 0; }' >"$stage/empty.c"
    if ! cc -static-pie "$stage/empty.c" -luring -o "$stage/empty" \
        2>/dev/null; then
        echo "SKIPPED: -static-pie; the C library or liburing has none"
        return
    fi
    root=$stage/static
    eval "cc $strict -static-pie \"$stage/program.c\" \
        -o \"$stage/static-pie\" $(flags --static --cflags --libs)" ||
        wrong "linking with -static-pie"
    root=$dest$prefix
    copies "$stage/static-pie"
}

# The program of the README works as it stands, and every compiler takes
# it, for C and for C++.
program() {
    program_of README.md >"$stage/program.c"
    links_both_ways program "$stage/program.c"
    for cc in gcc "g++ -x c++" clang "clang++ -x c++"; do
        command -v "${cc%% *}" >/dev/null || {
            echo "SKIPPED: the program with ${cc%% *}, not installed"
            continue
        }
        eval "$cc $strict -fsyntax-only $(flags --cflags) \
            \"$stage/program.c\"" || wrong "$cc: the program"
    done
}

# The commands of the README, in its order, do what it says for somebody
# who has set nothing, in a tree that is found in another place.
readme_commands() {
    work=$stage/work
    mkdir -p "$work" "$stage/home"
    for part in Makefile code docs tests; do
        ln -s "$PWD/$part" "$work"
    done
    ln -s "$(cd "$B" && pwd)" "$work/build"
    cp "$stage/program.c" "$work"
    awk '/^## / {inside = / Using the library$/; next}
        /^```/ {shell = inside && /^```sh$/; next}
        shell {print}' README.md >"$stage/commands"
    grep -q '^make install' "$stage/commands" || wrong "README: no install"
    (cd "$work" && exec env -i HOME="$stage/home" PATH="$fakes:$PATH" \
        sh -e "$stage/commands") >"$stage/log" 2>&1
    status=$?
    if [ "$refused" -eq 77 ] && [ -x "$work/a.out" ]; then
        echo "SKIPPED: running the README's program; io_uring is refused here"
    elif [ $status -ne 0 ] || ! tail -n "$(wc -l <"$work/program.c")" \
        "$stage/log" | cmp - "$work/program.c"; then
        cat "$stage/log" >&2
        wrong "README: its commands do not do what it says"
    fi
}

# Root's install renews the linker's cache, unless it is for a package.
linker_cache() {
    PATH="$fakes:$PATH" make_verb install || wrong "install as root"
    [ ! -e "$stage/renewed" ] || wrong "ldconfig was run for a DESTDIR"
    (dest='' prefix=$stage/other && PATH="$fakes:$PATH" make_verb install) ||
        wrong "install as root"
    [ -e "$stage/renewed" ] || wrong "ldconfig was not run for root"
}

# A program may use every name that the library uses inside for a function
# of its own; neither the linker nor the library takes one for the other.
collisions() {
    globals "$B"/lib/[0-9][0-9]-*/*.o | comm -23 - "$stage/calls" \
        >"$stage/inside"
    [ -s "$stage/inside" ] || wrong "the library has no internal names?"
    {
        echo '#include <stdlib.h>'
        sed 's/.*/void &(void); void &(void) { abort(); }/' \
            "$stage/inside"
    } >"$stage/mine.c"
    links_both_ways collisions "$stage/program.c" "$stage/mine.c"
}

# The headers are clean C11 and C++11 and later, each on its own, and the
# numbers that programs were compiled with have not changed.
headers() {
    cat >"$stage/numbers.h" <<'END'
#include <assert.h>
#include <readbuf.h>
static_assert(READBUF_POOL_INCREMENTAL == 1, "flag");
static_assert(READBUF_POOL_KERNEL_RING == 2, "flag");
static_assert(READBUF_POOL_HUGE_PAGES == 4, "flag");
static_assert(READBUF_END == (size_t)-1, "end of a range");
END
    for one in gcc:c:c11 gcc:c:gnu17 clang:c:c11 clang:c:gnu17 \
        g++:c++:c++11 g++:c++:c++17 g++:c++:c++20 \
        clang++:c++:c++11 clang++:c++:c++17 clang++:c++:c++20; do
        cc=${one%%:*}
        std=${one##*:}
        language=${one#*:}
        language=${language%:*}
        if ! command -v "$cc" >/dev/null; then
            echo "SKIPPED: headers as $std; install ${cc%++}${cc#"${cc%++}"}"
            continue
        fi
        for header in $headers numbers.h; do
            echo "#include <${header##*/}>" |
                eval "$cc -x $language -std=$std -fsyntax-only \
                    $strict $(flags --cflags) -I\"$stage\" -" ||
                wrong "$cc -std=$std: $header"
        done
    done
}

# Every call can be linked from C++.
from_cplusplus() {
    command -v g++ >/dev/null || {
        echo "SKIPPED: linking from C++; install g++"
        return
    }
    {
        echo '#include <readbuf.h>'
        echo 'int main() { void (*volatile call)() = nullptr;'
        sed 's/.*/call = reinterpret_cast<void (*)()>(\&&);/' \
            "$stage/calls"
        echo 'return call == nullptr; }'
    } >"$stage/calls.cc"
    eval "g++ -std=c++11 $strict \"$stage/calls.cc\" \
        -o \"$stage/calls-cc\" $(flags --cflags --libs)" ||
        wrong "a call cannot be linked from C++"
}

# On the way from a completion to a handle, and in what is done with its
# bytes, nothing is an atomic read-modify-write: those are all in a release.
# An x86-64 shows them by a prefix.
no_locked_instruction() {
    [ "$(uname -m)" = x86_64 ] || return 0
    for object in loan publisher readbuf_bytes; do
        find "$B/lib" -name "$object.o" -exec objdump -d {} + \
            >"$stage/code"
        grep -q '<readbuf_' "$stage/code" || wrong "no code in $object.o"
        grep -E '[[:space:]]lock |xchg .*\(' "$stage/code" &&
            wrong "a locked instruction in $object.c"
    done
}

# Nothing of ours is left, and what is not ours stays.
uninstall() {
    touch "$root/lib/other" "$root/include/other"
    make_verb uninstall || wrong "make uninstall"
    left=$(cd "$root" && find . ! -type d | sort | tr '\n' ' ')
    [ "$left" = "./include/other ./lib/other " ] ||
        wrong "after make uninstall there is: $left"
}

headers=$*
# Somebody looks like root, and the machine's cache is left alone.
fakes=$stage/fakes
mkdir "$fakes"
printf '#!/bin/sh\necho 0\n' >"$fakes/id"
printf '#!/bin/sh\n>>"%s"\n' "$stage/renewed" >"$fakes/ldconfig"
chmod +x "$fakes/id" "$fakes/ldconfig"

ctags -x --language-force=C --kinds-C=p --_xformat=%N "$@" | sort \
    >"$stage/calls"
[ -s "$stage/calls" ] || wrong "no call in $*"
"$B/01-registration/demo" >/dev/null 2>&1
refused=$?
make_verb install >"$stage/log" 2>&1 || {
    cat "$stage/log" >&2
    wrong "make install"
    exit 1
}
mkdir "$stage/static"
cp -R "$root/." "$stage/static"
rm "$stage"/static/lib/*.so*

for test in file_list pkg_config_file version exported program static_pie linker_cache \
    readme_commands collisions headers from_cplusplus \
    no_locked_instruction uninstall; do
    $test
done
exit $failed
