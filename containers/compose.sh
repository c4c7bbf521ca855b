#!/bin/bash
# Runs Docker Compose, as a plugin of docker or as the program docker-compose. Usage: compose.sh COMMAND...
set -euo pipefail
cd "$(dirname "$0")/.."
if docker compose version > /dev/null 2>&1; then exec docker compose "$@"; fi
if command -v docker-compose > /dev/null; then exec docker-compose "$@"; fi
echo "error: this needs Docker with Compose: https://docs.docker.com/compose/install/" >&2
exit 1
