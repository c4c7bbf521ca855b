#!/usr/bin/env bash
# Stops the old containers, builds the images from source, starts new containers.
set -euo pipefail
cd "$(dirname "$0")"
docker compose down --remove-orphans
docker compose build
exec docker compose up --detach --wait
