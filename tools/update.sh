#!/bin/sh
# Renew the package lists, as root or with sudo.
set -eu
if [ "$(id -u)" -eq 0 ]; then
    apt-get update -qq
else
    sudo apt-get update -qq
fi
