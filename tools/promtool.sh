#!/bin/sh
# Fetch promtool out of Debian's package prometheus, without installing (and starting) that server.
set -eu

target=var/tools/promtool
[ -x "$target" ] && exit 0
if command -v promtool >/dev/null; then
    mkdir -p var/tools
    ln -sf "$(command -v promtool)" "$target"
    exit 0
fi
echo "Fetching promtool from the package prometheus"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
fetch() { (cd "$work" && apt-get -o APT::Sandbox::User="$(id -un)" download -qq prometheus >/dev/null); }
if ! fetch 2>/dev/null; then # the package lists may be old
    sh "$(dirname "$0")/update.sh"
    fetch
fi
(cd "$work" && dpkg -x prometheus_*.deb .)
mkdir -p var/tools
cp "$work/usr/bin/promtool" "$target"
