#!/bin/bash
# Makes the virtual environment FOLDER, or repairs it, and installs the packages of the SETs named.
# Usage: .ci/environment.sh FOLDER SET...    The sets are below. PYTHON is the interpreter to make it with.
set -euo pipefail
trap 'exit 130' INT TERM HUP
cd -P "$(dirname "$0")/.."
folder=$1
python=$folder/bin/python
# Stands there while anything is being made or installed, so that the next run notices an interruption.
unfinished=$folder/unfinished

packages() {
    case $1 in
    run) echo -r requirements/serving.txt -r requirements/export.txt -r post_request/requirements.txt -e . ;;
    int8) echo -r requirements/quantize.txt ;;
    tracing) echo -r requirements/tracing.txt ;;
    notebook) echo -r requirements/notebook.txt ;;
    batch) echo -r requirements/batch.txt ;;
    teach) echo -r requirements/teach.txt ;;
    ray) echo -r requirements/ray.txt ;;
    dev) echo -r requirements/development.txt ;;
    audit) echo -r requirements/audit.txt ;;
    esac
}

files() { # what a set consists of; it is installed again when one of them changes
    packages "$1" | tr ' ' '\n' | sed -n -e 's/^\.$/pyproject.toml/p' -e '/\.txt$/p'
}

wanted() {
    files "$1" | xargs cat
}

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

usable() { # pip's own script names the folder it was made in: after a move it cannot start
    [ ! -e "$unfinished" ] && new_enough "$python" && "$python" -c 'import pip' 2>/dev/null &&
        grep -qsF "$(cd "$folder" && pwd -P)/bin/" "$folder/bin/pip"
}

make_environment() {
    local with=${PYTHON:-python3}
    if ! new_enough "$with"; then
        echo "error: Python 3.11 or newer is needed, not $with; PYTHON=python3.12 picks another" >&2
        exit 1
    fi
    [ ! -d "$folder" ] || echo "$folder is unfinished, was moved or has lost its Python: making it again"
    echo "making $folder with $with ($("$with" --version))"
    rm -rf "$folder"
    mkdir "$folder"
    touch "$unfinished"
    "$with" -m venv "$folder"
    rm "$unfinished"
}

install() {
    local set=$1 options=() status=0 began=$SECONDS
    [ -t 1 ] || options=(--quiet)
    echo "installing into $folder: $(files "$set" | paste -s -d ' ' -) (minutes the first time)"
    touch "$unfinished"
    # Python compiles what it imports. Compiling all of torch and transformers here takes half of the time.
    # shellcheck disable=SC2046 # several words are wanted
    "$python" -m pip install --disable-pip-version-check --no-compile ${options[@]+"${options[@]}"} $(packages "$set") || status=$?
    rm "$unfinished" # if pip gave up by itself, it has installed nothing
    [ $status -eq 0 ] || exit $status
    wanted "$set" >"$folder/$set.done"
    echo "installed in $((SECONDS - began)) s: $folder has $(du -sm "$folder" | cut -f 1) MB"
}

# Two makes at once, in two terminals, would install over each other; macOS has no flock.
if command -v flock >/dev/null; then exec 9<Makefile && flock 9; fi
shift
usable || make_environment
for set in "$@"; do
    [ "$(wanted "$set")" = "$(cat "$folder/$set.done" 2>/dev/null)" ] || install "$set"
done
