#!/bin/sh
# Install the Debian packages that are missing, and say which; as root, or with sudo.
set -eu

missing=""
for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "System packages needed and missing:$missing"
if ! command -v apt-get >/dev/null; then
    echo "This is not Debian or Raspberry Pi OS: install the likes of these by hand, then try again." >&2
    exit 1
fi
sudo=""
if [ "$(id -u)" -ne 0 ]; then
    sudo=$(command -v sudo) || { echo "Run as root, or install sudo: apt-get install$missing" >&2; exit 1; }
fi
sh "$(dirname "$0")/update.sh"
# shellcheck disable=SC2086 # one word for each package
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
