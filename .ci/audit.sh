#!/bin/bash
# Asks PyPI for known vulnerabilities in all that is installed in an environment.
set -uo pipefail
audit=("$1/audit/bin/pip-audit" --progress-spinner off)
# Where PyPI is out of reach or a mirror, the answer may be that there are none. This one is known to have some.
probe=$(mktemp)
trap 'rm -f "$probe"' EXIT
echo "flask==0.5" >"$probe"
said=$("${audit[@]}" --disable-pip --no-deps --requirement "$probe" 2>&1)
if ! grep -q "Found [0-9]* known" <<<"$said"; then
    echo "error: nothing was audited: PyPI does not tell what it knows of vulnerabilities ($(tail -n 1 <<<"$said"))" >&2
    exit 2
fi
"${audit[@]}" --path "$1"/lib/python*/site-packages
