#!/bin/bash
# Builds the all-in-one image of MODEL, and pushes it under a name. Usage: MODEL=microsoft/resnet-50 deploy/image.sh NAME
# Some hosts take neither OCI indexes nor attestations: one platform and no provenance give a plain Docker image.
set -euo pipefail
cd "$(dirname "$0")/.."
exec docker buildx build --file my_inference_app/Dockerfile --target all-in-one ${MODEL:+--build-arg "MODEL=$MODEL"} \
    --platform linux/amd64 --provenance=false --sbom=false --push --tag "$1" .
