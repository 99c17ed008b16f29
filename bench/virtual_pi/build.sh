#!/bin/sh
# Make the virtual Pi in var/virtual_pi: Debian's own kernel, gpio-sim built as a module for it, and
# a small root with busybox and this machine's Python. About 300 MB from Debian; nothing but the
# tools is installed. What is there already is kept; remove the folder to begin anew.
#
#   build.sh [kernel package, linux-image-6.12-amd64 or else linux-image-amd64]
set -eu

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
work=$top/var/virtual_pi
sh "$top/tools/packages.sh" qemu-system-x86 make gcc python3 xz-utils
mkdir -p "$work"
cd "$work"

depends() { # package, pattern: the package of that name that it needs
    apt-cache depends "$1" | sed -n "s/^ *|*Depends: \($2\)\$/\1/p" | head -n 1
}

# -- packages: downloaded and unpacked here -------------------------------------------------------

if [ ! -e kernel ]; then
    meta=${1:-linux-image-6.12-amd64}
    apt-cache show "$meta" >/dev/null 2>&1 || meta=linux-image-amd64
    image=$(depends "$meta" 'linux-image-[0-9].*')
    version=${image#linux-image-}
    series=$(echo "$version" | grep -o '^[0-9]*\.[0-9]*')
    headers=linux-headers-$version
    sh "$top/tools/packages.sh" "$(depends "$headers" 'gcc-[0-9]*' | grep . || echo gcc)"
    echo "virtual Pi: fetching Linux $version"
    rm -rf debs root
    mkdir debs root
    (cd debs && apt-get -qq -o APT::Sandbox::User=root download "$image" "$headers" \
        "$(depends "$headers" 'linux-headers-.*-common')" "$(depends "$headers" 'linux-kbuild-.*')" \
        "linux-source-$series" busybox-static)
    for package in debs/linux-[hik]*.deb debs/busybox*.deb; do dpkg -x "$package" root; done
    echo "$version" >kernel
fi
version=$(cat kernel)

# -- the module -----------------------------------------------------------------------------------

if [ ! -e module/virtual_pi.ko ]; then
    echo "virtual Pi: building gpio-sim"
    headers=$work/root/usr/src/linux-headers-$version
    rm -rf module
    mkdir module
    cp "$here/Kbuild" "$here/exported.h" module/
    dpkg --fsys-tarfile debs/linux-source-*.deb | tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
        nice xz -dc | tar -x -C module --strip-components=3 --wildcards \
        '*/drivers/gpio/gpio-sim.c' '*/drivers/gpio/gpiolib.h' '*/kernel/irq/irq_sim.c'
    sed -i "s|^include /usr/src/|include $work/root/usr/src/|" "$headers/Makefile"
    nice make -s -C "$headers" M="$work/module" CONFIG_DEBUG_INFO_BTF_MODULES= modules >module/log 2>&1 ||
        { cat module/log >&2; exit 1; }
fi

# -- the root -------------------------------------------------------------------------------------

if [ ! -e base.cpio.gz ]; then
    echo "virtual Pi: packing its root"
    rm -rf base
    mkdir -p base/bin base/opt base/proc base/sys base/dev base/tmp
    cp root/bin/busybox base/bin/
    xz -dcf "$(find root -name 'configfs.ko*')" >base/opt/configfs.ko # as it is, if not packed
    cp module/virtual_pi.ko base/opt/
    python=/usr/bin/python3
    library=$("$python" -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
    mkdir -p "base$library"
    cp "$(readlink -f "$python")" base/bin/python3
    tar -c -C "$library" --exclude=__pycache__ --exclude='config-*' --exclude=test --exclude=idlelib \
        --exclude=tkinter --exclude=ensurepip --exclude=dist-packages . | tar -x -C "base$library"
    ldd base/bin/python3 "base$library"/lib-dynload/*.so | grep -o '/[^ :]*' | sort -u |
        while read -r file; do
            case $file in /*lib*) [ -e "base$file" ] || cp -L --parents "$file" base 2>/dev/null || true ;; esac
        done
    (cd base && find . | "$work/root/bin/busybox" cpio -o -H newc 2>/dev/null | gzip -1) >base.new
    mv base.new base.cpio.gz
fi
