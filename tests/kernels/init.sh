#!/bin/busybox sh
# init.sh - the first and only process of the virtual machine: run what
# /book/programs lists, say on the serial console how each one ended.
# kernels.py reads lines that start with "=== ".

/bin/busybox --install -s /bin
export PATH=/bin:/usr/bin
mount -t devtmpfs devices /dev
exec </dev/null >/dev/ttyS0 2>&1
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs -o mode=1777 temporary /tmp
ifconfig lo 127.0.0.1 up

echo "=== kernel $(uname -rv)"
cd /book
# Emulated, on a computer that has other things to do.
export CK_TIMEOUT_MULTIPLIER=3
read -r BUILD <build-directory
export BUILD
while read -r program; do
    echo "=== program $program"
    start=$(date +%s)
    rm -f /tmp/result.*
    "$program" /tmp/result 2>&1
    echo "=== exit $? $(($(date +%s) - start))"
    for kind in tap skip; do
        sed "s/^/=== $kind /" /tmp/result.$kind
    done
done <programs
echo "=== end"
reboot -f
