#!/bin/bash
# Installs the npm packages that FOLDER/package-lock.json pins, unless they are there.
set -euo pipefail
cd "$1"
[ -e node_modules/.package-lock.json ] && [ ! package-lock.json -nt node_modules/.package-lock.json ] && exit 0
exec npm ci --ignore-scripts --no-audit --no-fund
