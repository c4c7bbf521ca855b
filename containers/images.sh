#!/bin/bash
# Builds or pushes both images: with Docker where its engine runs, and else with buildah.
# Usage: images.sh build|push|name [TARGET]    Settings are read as compose reads them: from the environment or from .env.
# With a TARGET of my_inference_app/Dockerfile, only the image of that is built or pushed. `name` prints the app's name.
set -euo pipefail
cd "$(dirname "$0")/.."
VERSION=${VERSION:-$(git describe --tags --always --dirty 2> /dev/null || true)}
REVISION=${REVISION:-$(git rev-parse HEAD 2> /dev/null || true)}
export VERSION REVISION

value() { # of a setting; fails if it is not set
    if [ -n "${!1+set}" ]; then echo "${!1}"; else
        sed -n "s/^ *\(export  *\)\{0,1\}$1 *= *['\"]\{0,1\}\([^'\"]*\)['\"]\{0,1\} *$/\2/p" .env 2> /dev/null | grep .
    fi
}
user=$(value HUB_USER) || user=myinferenceapp
repository=$(value HUB_REPOSITORY) || repository=my_inference_app
tag=$(value TAG) || tag=ap

if [ "$1" = name ]; then echo "$user/$repository:${2:-my_inference_app}_$tag" && exit; fi

if docker info > /dev/null 2>&1; then
    engine=docker
elif command -v buildah > /dev/null; then
    engine=buildah
else
    echo "error: neither a Docker engine nor buildah is here: on Debian, apt-get install buildah" >&2
    exit 1
fi
if [ $engine = docker ] && [ -z "${2:-}" ]; then exec containers/compose.sh "$1"; fi

build() { # NAME DOCKERFILE ARGUMENTS...
    if [ $engine = docker ]; then docker build --tag "$1" --file "$2" "${@:3}" . && return; fi
    # Without an engine, buildah runs the commands of a Dockerfile in a chroot. Only Docker's format has health checks.
    # shellcheck disable=SC2086 # BUILDAH_OPTIONS holds several words
    buildah bud --format docker --isolation "${BUILDAH_ISOLATION:-chroot}" --network host --layers \
        ${BUILDAH_OPTIONS:-} "${@:3}" --tag "$1" --file "$2" .
}

push() { # NAME
    if [ $engine = docker ]; then docker push "$1"; else buildah push "$1" "docker://docker.io/$1"; fi
}

arguments=()
for argument in MODEL MODEL_REVISION PRECISION CALIBRATION TRACING TORCH_INDEX CUDA_TORCH_INDEX HF_ENDPOINT PIP_INDEX_URL; do
    ! given=$(value $argument) || arguments+=(--build-arg "$argument=$given")
done
origin=(--build-arg "VERSION=$VERSION" --build-arg "REVISION=$REVISION")

for image in ${2:-my_inference_app nginx}; do
    name=$user/$repository:${image}_$tag
    if [ "$1" = push ]; then
        push "$name"
    elif [ "$image" = nginx ]; then
        build "$name" nginx/Dockerfile "${origin[@]}"
    else
        build "$name" my_inference_app/Dockerfile --target "${2:-serving}" "${arguments[@]}" "${origin[@]}"
    fi
done
