#!/bin/sh
# Boot the virtual Pi with s0web as it stands, run the checks in it, and end with their result.
#
# Its time is counted in instructions, one a nanosecond: a core of 1000 MIPS, about a Pi 3's,
# whatever else this machine does.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
work=$top/var/virtual_pi
sh "$here/build.sh" "$@"

rm -rf "$work/product"
mkdir -p "$work/product/opt/bench"
cp "$here/init" "$work/product/"
cp -r "$top/s0web" "$work/product/opt/"
cp -r "$here" "$work/product/opt/bench/"
find "$work/product" -name __pycache__ -prune -exec rm -rf {} +
(cd "$work/product" && find . | "$work/root/bin/busybox" cpio -o -H newc 2>/dev/null | gzip -1) >"$work/product.cpio.gz"
cat "$work/base.cpio.gz" "$work/product.cpio.gz" >"$work/initrd"

qemu-system-x86_64 -accel tcg,thread=single -icount shift=0,sleep=off -cpu max -smp 1 -m 1024 \
    -vga none -display none -serial stdio -monitor none -no-reboot -net none \
    -kernel "$work/root/boot/vmlinuz-$(cat "$work/kernel")" -initrd "$work/initrd" \
    -append "console=ttyS0 quiet loglevel=1 panic=1" </dev/null |
    tr -d '\r' | tee "$work/console" | sed '/^exit: /d; /reboot: /d'
grep -q '^exit: 0' "$work/console"
