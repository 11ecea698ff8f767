#!/bin/sh
# why.sh SOLUTION - what a reader gets after a pass: where one solution
# is, and the comment at its top, which says why it is so.
echo "One way to do it: $1"
sed -n '1,/\*\//s,^[/ ]\** *\**/*,,p' "$1"
