#!/bin/bash
# Installs what is missing of COMMAND=PACKAGE ..., as root on Debian and Ubuntu; elsewhere it says what to install.
set -euo pipefail
PATH=$PATH:/usr/sbin:/usr/local/sbin:/opt/homebrew/bin
missing=()
for pair in "$@"; do
    command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
done
[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "error: ${missing[*]} missing: install with your package manager, as in: sudo apt-get install ${missing[*]}" >&2
    exit 1
fi
echo "installing ${missing[*]}"
# Debian would start a server it installs, and it would take port 80.
exec env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive sh -c 'apt-get update -qq && apt-get install -y -qq \
    --no-install-recommends "$@" >/dev/null' sh "${missing[@]}"
