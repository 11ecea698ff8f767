#!/bin/sh
# model.sh release|tso|relaxed - let spin try every order in which the
# stores of publication.pml can become visible.
#
#   release  the tail is a store-release: must hold
#   tso      a plain store, on x86: must hold, x86 hides the mistake
#   relaxed  a plain store, weak memory: must fail; prints a shortest
#            way to get there, a line a step
#
# Exit 0 if so, 1 if not, 69 if spin or gcc is missing.
mode=$1
case $mode in
release) release=1 tso=0 says='every descriptor complete' ;;
tso) release=0 tso=1 says='the mistake is hidden' ;;
relaxed) release=0 tso=0 says='steps to an incomplete descriptor' ;;
*) echo 'usage: model.sh release|tso|relaxed' >&2; exit 2 ;;
esac
for tool in spin gcc; do
    command -v $tool >/dev/null && continue
    echo "model.sh: $tool is not installed" >&2
    exit 69
done

scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
cp "$(dirname "$0")/publication.pml" "$scratch" || exit 1
cd "$scratch" || exit 1
fail() { echo "model.sh: $mode: $1" >&2; cat log >&2; exit 1; }
model() { spin -DRELEASE=$release -DTSO=$tso "$@" publication.pml; }

# NOREDUCE: with reduction, the way found need not be the shortest.
model -a >log 2>&1 || fail 'spin rejects the model'
gcc -w -O2 -DSAFETY -DREACH -DNOREDUCE -o pan pan.c >log 2>&1 ||
    fail 'gcc rejects what spin made'

# pan exits 0 whatever it finds: what it prints is the result.
if [ "$mode" = relaxed ]; then
    ./pan -i >log 2>&1 # -i: go on until no way is shorter
    grep -q '^pan:1: assertion violated' log || fail 'does not fail'
    model -t -T -B | grep -v '^spin: ' >log || fail 'no steps'
    echo "$mode: $(wc -l <log) $says" && cat log
else
    ./pan -b >log 2>&1 # -b: a search cut short is an error
    grep -q ', errors: 0$' log || fail 'does not hold'
    states=$(sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' log)
    echo "$mode: $states states, $says"
fi
