#!/bin/sh
# make-venv.sh FOLDER REQUIREMENTS: a virtual environment with what the file pins. Where CI is set, by the lock file
# of the same name, if there is one: the same files everywhere, also of what is not pinned by hand.
set -eu
folder=$1
requirements=$2

find_python() {
    for name in "${PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    echo "kfring needs Python 3.11 or newer; found: $(python3 --version 2>&1)." >&2
    echo "Install one, or name it: make run PYTHON=/path/to/python3.12" >&2
    exit 1
}

usable() {
    "$folder/bin/python" -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

if ! usable; then
    python=$(find_python)
    if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        echo "Python's venv module is missing. On Debian or Ubuntu:" >&2
        echo "    apt-get install -y python$version-venv" >&2
        exit 1
    fi
    echo "kfring: making $folder with $("$python" --version)"
    "$python" -m venv --clear "$folder"
fi
lock=${requirements%.txt}.lock
if [ -n "${CI:-}" ] && [ -f "$lock" ]; then
    requirements=$lock
fi
echo "kfring: installing $requirements"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check -r "$requirements"
