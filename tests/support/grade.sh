#!/bin/sh
# grade.sh BUILD STAGE - does the grader of a stage's exercise grade?
#
# The starter must compile and fail, the solution pass and open with a
# comment that says why, and every wrong answer fail with the hint that
# its first line promises.
set -u

build=$1/$2/exercise
log=$build/grade.log
bad=0

complain() {
    echo "exercise of $2: $1" >&2
    cat "$log" >&2
    bad=1
}

for program in "$build"/starter "$build"/solution "$build"/wrong_*; do
    [ -x "$program" ] || continue
    name=${program##*/}
    "$program" >"$log" 2>&1
    status=$?
    if grep -q '^SKIPPED' "$log"; then
        echo "exercise of $2, $name: $(grep -m 1 '^SKIPPED' "$log")"
        continue
    fi
    case $name in
    solution)
        [ $status -eq 0 ] || complain "the solution fails" "$2"
        head -n 1 "tests/$2/answers/solution.c" | grep -q '^/\*' ||
            complain "the solution does not say why" "$2"
        continue
        ;;
    starter) hint='hint: ' ;;
    *) hint=$(sed -n '1s|^/\* \(hint: .*\) \*/$|\1|p' \
        "tests/$2/answers/$name.c") ;;
    esac
    [ $status -ne 0 ] || complain "$name passes" "$2"
    [ -n "$hint" ] && tr '\n' ' ' <"$log" | grep -qF -- "$hint" ||
        complain "$name fails without its hint ($hint)" "$2"
done
exit $bad
