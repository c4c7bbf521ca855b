#!/bin/bash
# Starts the containers, and waits until they are healthy. Arguments go to `up`, as in: up.sh --scale my_inference_app=3
set -euo pipefail
cd "$(dirname "$0")/.."
# docker-compose 1 cannot wait for all of them. It waits for the app only, before it starts nginx.
options=(--detach)
help=$(containers/compose.sh up --help)
if [[ $help == *--wait* ]]; then options+=(--wait); fi
exec containers/compose.sh up "${options[@]}" "$@"
