#!/bin/bash
# Builds or pushes both images: with Docker where its engine runs, and else with buildah.
# Usage: images.sh build|push    Settings are read as compose reads them: from the environment, or else from .env.
set -euo pipefail
cd "$(dirname "$0")/.."
VERSION=${VERSION:-$(git describe --tags --always --dirty 2> /dev/null || true)}
REVISION=${REVISION:-$(git rev-parse HEAD 2> /dev/null || true)}
export VERSION REVISION

if docker info > /dev/null 2>&1; then exec containers/compose.sh "$1"; fi
if ! command -v buildah > /dev/null; then
    echo "error: neither a Docker engine nor buildah is here: on Debian, apt-get install buildah" >&2
    exit 1
fi

value() { # of a setting; fails if it is not set
    if [ -n "${!1+set}" ]; then echo "${!1}"; else
        sed -n "s/^ *\(export  *\)\{0,1\}$1 *= *['\"]\{0,1\}\([^'\"]*\)['\"]\{0,1\} *$/\2/p" .env 2> /dev/null | grep .
    fi
}
user=$(value HUB_USER) || user=myinferenceapp
repository=$(value HUB_REPOSITORY) || repository=my_inference_app
tag=$(value TAG) || tag=ap
arguments=()
for name in MODEL MODEL_REVISION PRECISION CALIBRATION TORCH_INDEX HF_ENDPOINT PIP_INDEX_URL VERSION REVISION; do
    ! given=$(value $name) || arguments+=(--build-arg "$name=$given")
done

for image in my_inference_app nginx; do
    name=$user/$repository:${image}_$tag
    if [ "$1" = push ]; then buildah push "$name" "docker://docker.io/$name" && continue; fi
    # Without an engine, buildah runs the commands of a Dockerfile in a chroot. Only Docker's format has health checks.
    # shellcheck disable=SC2086 # BUILDAH_OPTIONS holds several words
    buildah bud --format docker --isolation "${BUILDAH_ISOLATION:-chroot}" --network host --layers \
        ${BUILDAH_OPTIONS:-} "${arguments[@]}" --tag "$name" --file $image/Dockerfile .
done
