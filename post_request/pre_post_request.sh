#!/usr/bin/env bash
# Makes an environment for the client beside this script, unless it is there and up to date.
set -euo pipefail

here=$(dirname "${BASH_SOURCE[0]}")
python=$here/.venv/bin/python
if ! [ -x "$python" ] || ! cmp -s "$here/requirements.txt" "$here/.venv/installed.txt"; then
    python3 -m venv --clear "$here/.venv"
    "$python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$here/.venv/installed.txt"
fi

echo "Ready. With the service running, try:"
printf '  %q %q %q\n' "$python" "$here/post_request.py" "$here/cat.jpg"
