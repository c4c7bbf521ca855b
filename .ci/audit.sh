#!/bin/bash
# Looks up known vulnerabilities of all packages in the virtual environment $1, on PyPI.
set -uo pipefail
audit=("$1/audit/bin/python" -m pip_audit --progress-spinner off)
# A mirror may know no vulnerabilities and report none. This version is known to have some.
probe=$(mktemp)
trap 'rm -f "$probe"' EXIT
echo "flask==0.5" >"$probe"
said=$("${audit[@]}" --disable-pip --no-deps --requirement "$probe" 2>&1)
if ! grep -q "Found [0-9]* known" <<<"$said"; then
    echo "error: nothing was audited: PyPI did not answer with known vulnerabilities ($(tail -n 1 <<<"$said"))" >&2
    exit 2
fi
"${audit[@]}" --path "$1"/lib/python*/site-packages
