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
# Half a minute for a test that hangs, instead of check's own limit.
export CK_TIMEOUT_MULTIPLIER=0.5
read -r BUILD <build-directory
export BUILD
while read -r program; do
    echo "=== program $program"
    start=$(date +%s)
    "$program" 2>&1
    echo "=== exit $? $(($(date +%s) - start))"
done <programs
echo "=== end"
reboot -f
