#!/bin/sh
# model.sh MODE - let spin try every order of events in a model.
#
# publication.pml, in what order stores become visible:
#   release  the tail is a store-release: must hold
#   tso      a plain store, on x86: must hold, x86 hides the mistake
#   relaxed  a plain store, weak memory: must fail
# gate.pml, in what order threads do what at the gate:
#   gate     three users: must hold
#   sleeper  who leaves, leaves past a sleeping owner: must fail
#   stack    who leaves, leaves past a buffer: must fail
#   look     the owner sleeps without a second look: must fail
#   bit      when to wake him is judged without his bit in hand: must
#            fail
#   bit-tso  the same on x86: must hold, x86 hides the mistake
#   late     he is woken by a user who has left: must fail
#
# What must fail prints a shortest way to get there, a line a step.
# Exit 0 if so, 1 if not, 69 if spin or gcc is missing.
mode=$1 release=0 tso=0 holds='' fails=''
users=2 mistake=0 # two users are enough to fail
case $mode in
release | tso | relaxed) model=publication ;;
*) model=gate ;;
esac
case $mode in
release) release=1 holds='every descriptor complete' ;;
tso | bit-tso) tso=1 mistake=4 holds='the mistake is hidden' ;;
relaxed) fails='an incomplete descriptor' ;;
gate) users=3 holds='no buffer and no sleeper left behind' ;;
sleeper) mistake=1 fails='an owner who sleeps on' ;;
stack) mistake=2 fails='a buffer left behind' ;;
look) mistake=3 fails='an owner who sleeps on' ;;
bit) mistake=4 fails='an owner who sleeps on' ;;
late) mistake=5 fails='a pool used when it is gone' ;;
*) echo 'model.sh: no such mode' >&2; exit 2 ;;
esac
for tool in spin gcc; do
    command -v $tool >/dev/null && continue
    echo "model.sh: $tool is not installed" >&2
    exit 69
done

scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
cp "$(dirname "$0")/$model.pml" "$scratch" || exit 1
cd "$scratch" || exit 1
fail() { echo "model.sh: $mode: $1" >&2; cat log >&2; exit 1; }
model() {
    spin -DRELEASE=$release -DTSO=$tso -DUSERS=$users \
        -DMISTAKE=$mistake "$@" $model.pml
}

# Breadth first, the first way found is a shortest one, unless spin
# leaves out orders that make no difference. It does so for the gate as
# it is, and packs the states: there are millions.
search=-DNOREDUCE
[ "$fails" ] && search='-DNOREDUCE -DBFS'
[ $mode = gate ] && search=-DCOLLAPSE
model -a >log 2>&1 || fail 'spin rejects the model'
gcc -w -DSAFETY $search -o pan pan.c >log 2>&1 ||
    fail 'gcc rejects what spin made'

# pan exits 0 whatever it finds: what it prints is the result.
./pan -b -w20 >log 2>&1 # -b: a search cut short is an error
if [ "$fails" ]; then
    grep -q '^pan:1: assertion violated' log || fail 'does not fail'
    model -t -T -B | grep -v '^spin: ' >log || fail 'no steps'
    echo "$mode: $(wc -l <log) steps to $fails" && cat log
else
    grep -q ', errors: 0$' log || fail 'does not hold'
    states=$(sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' log)
    echo "$mode: $states states, $holds"
fi
