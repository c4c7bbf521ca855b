#!/bin/bash
# For each COMMAND=PACKAGE, installs the package if the command is missing. Only root on Debian or Ubuntu can install;
# others get an error that names the packages, and what is in INSTEAD.
set -euo pipefail
PATH=$PATH:/usr/sbin:/usr/local/sbin:/opt/homebrew/bin
missing=()
for pair in "$@"; do
    command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
done
[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "error: ${missing[*]} missing: install with your package manager, for example: sudo apt-get install ${missing[*]}${INSTEAD:+; or $INSTEAD}" >&2
    exit 1
fi
echo "installing ${missing[*]}"
# RUNLEVEL=1 keeps Debian from starting an installed server, which would take port 80.
exec env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive sh -c 'apt-get update -qq && apt-get install -y -qq \
    --no-install-recommends "$@" >/dev/null' sh "${missing[@]}"
