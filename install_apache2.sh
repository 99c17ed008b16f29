#!/bin/sh
# Install s0web under Apache on Debian or Raspberry Pi OS, upgrade it, or remove it; see --help.
set -eu

usage() {
    cat <<'END'
Usage: sudo ./install_apache2.sh [--logs-in-ram]
       sudo ./install_apache2.sh --uninstall

Installs s0web from this folder under Apache, or upgrades it, at /s0 of every site that Apache
serves; the sites stay as they are. Run it again at any time: it changes only what must change.

  --logs-in-ram   keep Apache's logs in memory (they go with the power) to spare the SD card
  --uninstall     remove s0web; /var/lib/s0web with the settings and the counters stays
  --help          show this

The admin password is asked for, or taken from the variable S0WEB_PASSWORD, or made and shown once.

  /opt/s0web/current         the program: a virtual environment of the system's Python
  /var/lib/s0web/s0web.ini   the settings and counters
  /etc/apache2/conf-available/s0web.conf
END
}

PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
password=${S0WEB_PASSWORD:-} # not for Apache's environment
unset S0WEB_PASSWORD S0WEB_INI PYTHONPATH PYTHONHOME
umask 022

here=$(cd "$(dirname "$0")" && pwd)
root=/opt/s0web
state=/var/lib/s0web
service=www-data
conf=/etc/apache2/conf-available/s0web.conf
rule=/etc/udev/rules.d/60-s0web-gpio.rules
limits=/etc/systemd/system/apache2.service.d/s0web.conf
logs=/var/log/apache2
mount=/etc/systemd/system/var-log-apache2.mount
folders=/etc/tmpfiles.d/s0web-apache-logs.conf
record=$root/changed # what --uninstall takes back: lines of "module NAME" and "group NAME"
new="" work=""       # the half-made, to be removed when something fails

say() { printf '%s\n' "- $*"; }
die() {
    printf 'install_apache2.sh: %s\n' "$*" >&2
    exit 1
}
cleanup() { # also after Ctrl-C: what was half done is undone
    [ -z "$work" ] || rm -rf "$work"
    [ -n "$new" ] || return 0
    if [ "$(readlink "$root/current")" = "${new##*/}" ]; then go_back; fi
    rm -rf "$new"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

has_systemd() { [ -d /run/systemd/system ]; }
is_pi() { grep -qs 'Raspberry Pi' /proc/device-tree/model; }
is_running() { [ -s /run/apache2/apache2.pid ] && kill -0 "$(cat /run/apache2/apache2.pid)" 2>/dev/null; }
as_service() { runuser -u "$service" -- "$@"; }
note() { grep -qsx "$*" "$record" || echo "$*" >>"$record"; }

install_packages() {
    say "system packages"
    packages="apache2 libapache2-mod-wsgi-py3 python3-venv python3-psycopg"
    if is_pi; then
        for package in python3-rpi-lgpio python3-spidev python3-numpy; do
            apt-cache show "$package" >/dev/null 2>&1 && packages="$packages $package"
        done
        # the two RPi.GPIO packages exclude each other: the one that is there stays
        dpkg -s python3-rpi.gpio >/dev/null 2>&1 &&
            packages=$(printf '%s' "$packages" | sed 's/ python3-rpi-lgpio//')
    fi
    # shellcheck disable=SC2086 # one word for each package
    sh "$here/tools/packages.sh" $packages
}

allow_hardware() {
    if is_pi && ! getent group gpio >/dev/null; then groupadd --system gpio; fi
    for group in gpio spi dialout; do
        getent group "$group" >/dev/null || continue
        id -nG "$service" | grep -qw "$group" && continue
        say "$service may use the hardware of group $group"
        usermod -aG "$group" "$service"
        note "group $group"
    done
    if getent group gpio >/dev/null && ! grep -qrs 'gpio.*GROUP' /etc/udev/rules.d /lib/udev/rules.d; then
        say "udev rule: GPIO chips belong to group gpio"
        echo 'SUBSYSTEM=="gpio", KERNEL=="gpiochip*", GROUP="gpio", MODE="0660"' >"$rule"
        if udevadm control --reload 2>/dev/null; then udevadm trigger --subsystem-match=gpio; fi
    fi
    # the process that samples an ADC is on time only with a real-time priority
    if has_systemd; then
        mkdir -p "${limits%/*}"
        printf '[Service]\nLimitRTPRIO=10\n' >"$limits"
        systemctl daemon-reload
        if is_running; then # else, as in a container that may not: from Apache's next start on
            prlimit --rtprio=10 --pid "$(cat /run/apache2/apache2.pid)" 2>/dev/null || true
        fi
    fi
}

# A whole release beside the old one, so that an upgrade is one rename and can be undone.
install_release() {
    say "s0web in $root (takes minutes on a small Pi)"
    work=$(mktemp -d)
    for part in s0web templates static setup.cfg pyproject.toml README.md LICENSE; do
        [ ! -e "$here/$part" ] || cp -R "$here/$part" "$work/"
    done
    new=$root/release-$(date +%Y%m%d-%H%M%S)
    mkdir -p "$new"
    cp -R "$here/wsgi" "$here/apache" "$new/"
    /usr/bin/python3 -m venv --system-site-packages "$new/venv"
    "$new/venv/bin/python" -m pip install --quiet --disable-pip-version-check "${work}[mqtt,mysql]" ||
        die "pip could not install s0web (see above); what was installed before is untouched."
    as_service "$new/venv/bin/python" -I -c 'import s0web.web.app' ||
        die "the new s0web cannot be loaded (see above); what was installed before is untouched."
}

prepare_state() {
    install -d -o "$service" -g "$service" -m 0750 "$state"
    chown -R "$service:$service" "$state"
}

set_password() {
    if [ -n "$password" ]; then
        printf '%s\n' "$password" | as_service "$new/venv/bin/s0web" passwd
    elif grep -Eqs '^admin_password[[:space:]]*[=:][[:space:]]*[^[:space:]]' "$state/s0web.ini"; then
        say "the admin password stays as it is"
    elif [ -t 0 ]; then
        say "the admin password, which is asked before anything is changed by a browser"
        for try in 1 2 3; do
            as_service "$new/venv/bin/s0web" passwd && return
            [ "$try" -lt 3 ] || die "no admin password was set; run this again."
        done
    else
        password=$("$new/venv/bin/python" -c 'import secrets; print(secrets.token_urlsafe(9))')
        printf '%s\n' "$password" | as_service "$new/venv/bin/s0web" passwd
        say "admin password, made now and shown only here: $password"
    fi
}

switch_over() {
    say "Apache's configuration"
    verb=reload
    for module in wsgi lua; do
        [ -e "/etc/apache2/mods-enabled/$module.load" ] && continue
        a2enmod -q "$module" >/dev/null
        note "module $module"
        verb=restart
    done
    if [ -d "$root/current" ] && [ ! -L "$root/current" ]; then # made by hand, see docs/servers.md
        mv "$root/current" "$root/release-by-hand"
        point_to release-by-hand
    fi
    before=$(readlink "$root/current" || true)
    point_to "${new##*/}"
    ln -sfn "$root/current/apache/s0web.conf" "$conf"
    ln -sfn "$root/current/venv/bin/s0web" /usr/local/bin/s0web
    a2enconf -q s0web >/dev/null
    if ! apache2ctl configtest >"$work/configtest" 2>&1; then
        cat "$work/configtest" >&2
        die "Apache does not accept its configuration (see above); s0web is put back as it was."
    fi
    since=$(date -u +%Y-%m-%dT%H:%M:%S) # the beginning of its ISO time
    apache "$verb" || true # the check tells whether it serves
}

point_to() { # point_to NAME: make it the release in use
    ln -sfn "$1" "$root/current.new"
    mv -T "$root/current.new" "$root/current"
}

go_back() {
    if [ -n "$before" ]; then
        point_to "$before"
    else
        a2disconf -q s0web >/dev/null || true
        rm -f "$conf" "$root/current" /usr/local/bin/s0web
    fi
    if is_running; then apache reload; fi
}

apache() { # apache reload|restart; it is started if it does not run
    if has_systemd; then
        systemctl enable --quiet apache2
        [ "$1" = restart ] || set -- reload-or-restart
        systemctl "$1" apache2
    elif [ "$1" = reload ] && is_running; then
        apache2ctl graceful
    else
        apache2ctl restart
    fi
}

logs_in_ram() {
    mountpoint -q "$logs" && return
    say "Apache's logs in memory"
    find "$logs" -type d -printf 'd %p %#m %u %g -\n' >"$folders" # folders that other sites log to
    cat >"$mount" <<END
[Unit]
Description=Apache's logs in memory, to spare the SD card
Before=apache2.service

[Mount]
What=tmpfs
Where=$logs
Type=tmpfs
Options=size=16M,mode=0750,uid=root,gid=adm,nosuid,nodev,noexec

[Install]
WantedBy=local-fs.target
END
    if has_systemd; then
        systemctl daemon-reload
        systemctl enable --quiet --now var-log-apache2.mount
    else
        mount -t tmpfs -o size=16M,mode=0750,gid=adm,nosuid,nodev,noexec tmpfs "$logs"
    fi
    systemd-tmpfiles --create "$folders"
}

# Ask until the new station answers, then show what a client gets.
check() {
    port=$(sed -n 's/^[[:space:]]*Listen[[:space:]]\{1,\}\([^[:space:]]*\).*/\1/p' /etc/apache2/ports.conf | head -n 1)
    port=${port##*:}
    "$root/current/venv/bin/python" -I - "${port:-80}" "$since" <<'END'
import json, sys, time, urllib.request

port, since = sys.argv[1:]
ask = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


def answer(path):
    try:
        return 200, json.load(ask(f"http://127.0.0.1:{port}/s0/{path}", timeout=5))
    except urllib.request.HTTPError as refused:
        return refused.code, json.load(refused)


problem, end = "no answer", time.monotonic() + 60
while time.monotonic() < end:
    try:
        station = answer("api/v1/status")[1]["station"]
        code, electricity = answer("electricity")
        new = station["started"] >= since and station["state"] != "starting"
        if new and (code == 200 or "configured" in electricity["message"] or station["state"] != "running"):
            break
        problem = station["text"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        problem = str(error)
    time.sleep(0.2)
else:
    sys.exit(f"  http://127.0.0.1:{port}/s0/ does not serve the new s0web: {problem}")
print("  /s0/version:    ", json.dumps(answer("version")[1]))
print("  /s0/electricity:", json.dumps(electricity if code == 200 else electricity["message"]))
if code != 200:
    print("  The station says:", station["text"])
END
}

install_all() {
    [ -f "$here/setup.cfg" ] || die "run the one in a checkout of s0web."
    install_packages
    mkdir -p "$root"
    allow_hardware
    install_release
    prepare_state
    set_password
    [ "$in_ram" = no ] || logs_in_ram
    switch_over
    say "the check, on this machine:"
    check || die "see $logs/error.log; s0web is put back as it was before."
    keep=${new##*/} new=""
    find "$root" -maxdepth 1 -name 'release-*' ! -name "$keep" -exec rm -rf {} +
    address=$(hostname -I 2>/dev/null | cut -d ' ' -f 1)
    [ "$port" = 80 ] && port="" || port=":$port"
    say "s0web is at http://${address:-$(hostname)}$port/s0/ and its settings at .../s0/config"
}

uninstall() {
    command -v apache2ctl >/dev/null && [ -L "$conf" ] && a2disconf -q s0web >/dev/null
    if [ -e "$record" ]; then
        while read -r what name; do
            case $what in
            module) a2dismod -q "$name" >/dev/null || say "module $name is in use and stays" ;;
            group) gpasswd -d "$service" "$name" >/dev/null || true ;;
            esac
        done <"$record"
    fi
    if [ -e "$mount" ]; then
        has_systemd && systemctl disable --quiet var-log-apache2.mount
        mountpoint -q "$logs" && umount -l "$logs"
    fi
    rm -f "$conf" "$rule" "$mount" "$folders" "$limits"
    [ ! -d "${limits%/*}" ] || rmdir --ignore-fail-on-non-empty "${limits%/*}"
    if has_systemd; then systemctl daemon-reload; fi
    if is_running; then apache reload; fi
    rm -rf "$root"
    [ ! -L /usr/local/bin/s0web ] || rm /usr/local/bin/s0web
    say "s0web is removed. Its settings and counters stay in $state; Apache and its packages too."
}

in_ram=no action=install_all
for argument in "$@"; do
    case $argument in
    --logs-in-ram) in_ram=yes ;;
    --uninstall) action=uninstall ;;
    --help | -h)
        usage
        exit 0
        ;;
    *)
        usage >&2
        printf '\ninstall_apache2.sh: there is no option %s.\n' "$argument" >&2
        exit 2
        ;;
    esac
done
[ "$(id -u)" -eq 0 ] || die "it installs for the whole machine: run it with sudo."
command -v apt-get >/dev/null || die "this is not Debian or Raspberry Pi OS; see docs/servers.md."
cd /
"$action"
