#!/usr/bin/env bash
# Stops the old containers, builds the images from source, and starts new containers.
# Works with `docker compose` and with docker-compose. Arguments go to `up`: ./run_docker.sh --scale my_inference_app=3
set -euo pipefail
cd "$(dirname "$0")"
containers/compose.sh down --remove-orphans
containers/compose.sh build
exec containers/up.sh "$@"
