#!/bin/sh
# lock.sh [--upgrade]: writes requirements.lock and requirements-dev.lock from the .txt files, every library with the hashes
# of all its files, for every system. What is locked stays as it is unless --upgrade asks for newer ones.
set -eu
cd "$(dirname "$0")/.."
tools=$(mktemp -d)
trap 'rm -r "$tools"' EXIT
python3 -m venv "$tools"
"$tools/bin/python" -m pip install --quiet --disable-pip-version-check uv==0.13.9
[ -z "${PIP_INDEX_URL:-}" ] || export UV_DEFAULT_INDEX="$PIP_INDEX_URL"

lock() {
    "$tools/bin/uv" pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes --no-annotate \
        --no-emit-index-url --no-emit-find-links --custom-compile-command "sh deploy/lock.sh" "$@"
}

lock "$@" requirements.txt --output-file requirements.lock
lock "$@" requirements-dev.txt --constraints requirements.lock --output-file requirements-dev.lock
