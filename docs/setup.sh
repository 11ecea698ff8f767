#!/bin/sh
# setup.sh install|want code|book|check - install what is missing, or say
# what is and fail; silent if nothing is. `code` is what the stages and
# their tests need, `book` what the book needs besides, `check` what the
# tests of everything need. `more` comes with the book, which does without.
#
# A row: what is looked for (a command, a pkg-config module as pc:NAME,
# or a file as file:GLOB), then its package on Debian, Fedora, Arch and
# Alpine ("-" where there is none).
set -eu

rows() {
    cat <<'ROWS'
code  gcc             gcc              gcc             gcc           gcc
code  pkg-config      pkg-config       pkgconf         pkgconf       pkgconf
code  file:/usr/include/stdio.h libc6-dev glibc-devel glibc          musl-dev
code  pc:liburing     liburing-dev     liburing-devel  liburing      liburing-dev
code  pc:check        check            check-devel     check         check-dev
book  pandoc          pandoc           pandoc-cli      pandoc-cli    pandoc
book  ctags           universal-ctags  ctags           ctags         ctags
book  python3         python3          python3         python        python3
more  spin            spin             -               -             -
check clang           clang            clang           clang         clang
check g++             g++              gcc-c++         gcc           g++
check abidw           abigail-tools    libabigail      libabigail    libabigail
check mandoc          mandoc           mandoc          mandoc        mandoc
check file:/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.msan* libclang-rt-dev - - -
check llvm-symbolizer llvm            llvm            llvm          llvm
check clang-format    clang-format     clang-tools-extra clang       clang-extra-tools
check clang-tidy      clang-tidy       clang-tools-extra clang       clang-extra-tools
check cppcheck        cppcheck         cppcheck        cppcheck      cppcheck
check valgrind        valgrind         valgrind        valgrind      valgrind
check aspell          aspell           aspell          aspell        aspell
check file:/usr/lib/aspell/en_GB.multi aspell-en aspell-en aspell-en aspell-en
check cmark-gfm       cmark-gfm        -               -             -
check node            nodejs           nodejs          nodejs        nodejs
check npm             npm              npm             npm           npm
check java            default-jre-headless java-latest-openjdk-headless jre-openjdk-headless openjdk21-jre-headless
check chromium        chromium         chromium        chromium      chromium
ROWS
}

have() {
    # shellcheck disable=SC2086 # a pattern, so that any version will do
    case $1 in
    pc:*) pkg-config --exists "${1#pc:}" 2>/dev/null ;;
    file:*) ls ${1#file:} >/dev/null 2>&1 ;;
    gcc) set -- "${CC:-gcc}" && command -v "${1%% *}" >/dev/null ;;
    *) command -v "$1" >/dev/null ;;
    esac
}

# The packages of column $2 for what is missing of the sets $1. What has no
# package in that column is not asked for: the steps that want it say so.
missing() {
    rows | while read -r set what debian fedora arch alpine; do
        case " $1 " in *" $set "*) ;; *) continue ;; esac
        have "$what" && continue
        case $2 in
        fedora) echo "$fedora" ;;
        arch) echo "$arch" ;;
        alpine) echo "$alpine" ;;
        *) echo "$debian" ;;
        esac
    done | sort -u | grep -vx -e - | tr '\n' ' '
}

# Whose names for packages, and how they are asked for.
if command -v apt-get >/dev/null; then
    names=debian ask="apt-get install"
elif command -v dnf >/dev/null; then
    names=fedora ask="dnf install"
elif command -v pacman >/dev/null; then
    names=arch ask="pacman -S"
elif command -v apk >/dev/null; then
    names=alpine ask="apk add"
else
    names=debian ask="(as Debian calls them)"
fi

case ${1-}-${2-} in
want-code) sets=code ;;
want-book) sets='code book' ;;
install-book) sets='code book more' ;;
*-check) sets='code book more check' ;;
*) echo 'usage: setup.sh install|want code|book|check' >&2; exit 2 ;;
esac
packages=$(missing "$sets" $names)
[ -n "$packages" ] || exit 0
if [ "$1" = want ]; then
    verb='make setup'
    [ "$2" != check ] || verb='make setup check'
    echo "missing here: $packages" >&2
    echo "'$verb' installs it, or names what to install" >&2
    exit 1
fi
sudo=
[ "$(id -u)" -eq 0 ] || sudo=sudo
if [ $names != debian ] || ! command -v apt-get >/dev/null; then
    echo "missing here; install it and try again:"
    echo "  $ask $packages"
    exit 1
fi
if [ -n "$sudo" ] && ! command -v sudo >/dev/null; then
    echo "missing here, and there is no sudo; as root, run:"
    echo "  $ask $packages"
    exit 1
fi
echo "installing: $packages"
$sudo apt-get update -qq
# shellcheck disable=SC2086 # one word a package
$sudo env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends $packages
