#!/bin/sh
# elsewhere.sh DIR DIST ARCH - the README's commands on another system.
#
# DIR/DIST-ARCH is made by debootstrap and kept, as is what was installed
# and built in it: a second run is quick, and `rm -r` begins again. amd64
# runs both commands of the README; i386 and arm64 run every stage's
# tests, made there by a cross compiler, arm64 under qemu-user.
#
# Mounts and processes live in namespaces of their own: they end with the
# script, whatever ends it.
set -eu

dir=$1 dist=$2 arch=$3 root=$1/$2-$3 log=$1/$2-$3.log
mirror=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null |
    grep -m1 '/debian/*$' || true)}
case $arch in
amd64) ;;
i386) cross=i686-linux-gnu multiarch=i386-linux-gnu emulator='' runner='' ;;
arm64)
    cross=aarch64-linux-gnu multiarch=$cross
    emulator=qemu-user runner=qemu-aarch64
    ;;
*) echo "elsewhere: ARCH is amd64, i386 or arm64" >&2; exit 2 ;;
esac

if [ -z "${ELSEWHERE-}" ]; then
    for tool in debootstrap unshare git; do
        command -v $tool >/dev/null && continue
        echo "elsewhere: $tool is not installed" >&2
        exit 1
    done
    [ "$mirror" ] || {
        echo "elsewhere: no Debian archive is known here: MIRROR=..." >&2
        exit 1
    }
    [ "$(id -u)" -eq 0 ] || {
        echo "elsewhere: only root can make a chroot" >&2
        exit 1
    }
    mkdir -p "$dir/packages"
    ELSEWHERE=inside exec unshare --mount --pid --fork --kill-child \
        "$0" "$@"
fi

# As a user's shell finds it: no variable of ours but the certificates of
# this machine, which are npm's there too.
inside() {
    chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
        NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt \
        sh -c "cd /book && $1"
}

step() {
    echo "== $dist, $arch: $1"
    start=$(date +%s)
    if inside "$1" >>"$log" 2>&1; then
        grep '^SKIPPED' "$log" | sort -u
        echo "   passes, in $(($(date +%s) - start)) s"
    else
        tail -n 40 "$log"
        echo "   FAILS: the whole of it is in $log"
        exit 1
    fi
}

make_root() {
    echo "== $dist, $arch: debootstrap"
    rm -rf "$root"
    debootstrap --arch=amd64 --variant=minbase \
        --include=make,ca-certificates \
        --cache-dir="$(realpath "$dir/packages")" \
        "$dist" "$root" "$mirror" >"$log" 2>&1 || {
        tail -n 40 "$log"
        exit 1
    }
    # A mirror that stands still is good enough.
    echo 'Acquire::Check-Valid-Until "false";' \
        >"$root/etc/apt/apt.conf.d/10elsewhere"
    touch "$root/made"
}

# What is tracked, as it is now, and no more; build/ stays for the next
# run. A file that differs is new there, whatever its time is here.
copy_tree() {
    mkdir -p "$root/book"
    (cd "$root/book" && find . -path ./build -prune -o -type f -print) |
        while read -r file; do
            [ -e "$file" ] || rm "$root/book/$file"
        done
    git ls-files --deduplicate | while read -r file; do
        if [ ! -e "$file" ] || cmp -s "$file" "$root/book/$file"; then
            continue
        fi
        mkdir -p "$(dirname "$root/book/$file")"
        cp --remove-destination "$file" "$root/book/$file"
    done
}

[ -e "$root/made" ] || make_root
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"
mount -t proc proc "$root/proc"
mount --bind "$dir/packages" "$root/var/cache/apt/archives"
cp /etc/resolv.conf "$root/etc/resolv.conf"
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs"
copy_tree

: >"$log"
case $arch in
amd64)
    step 'make setup book'
    step 'make setup check'
    ;;
*)
    step "dpkg --add-architecture $arch && apt-get update -qq &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
        --no-install-recommends gcc-$cross libc6-dev-$arch-cross \
        pkg-config liburing-dev:$arch check:$arch $emulator"
    step "PKG_CONFIG_LIBDIR=/usr/lib/$multiarch/pkgconfig \
        ${runner:+EMULATOR=$runner} CK_TIMEOUT_MULTIPLIER=10 make -k -j2 \
        CC=$cross-gcc RUNNER=$runner tests"
    ;;
esac
