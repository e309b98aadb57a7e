#!/bin/sh
# Every module of our own front end parses. Vendored files are checked by their lock file.
set -eu

files=$(find app simulator -name '*.js' -not -path '*/vendor/*' -not -path '*/node_modules/*')
[ -n "$files" ] || exit 0
if ! command -v node >/dev/null 2>&1; then
    echo "kfring: node is missing, front-end modules were NOT checked" >&2
    [ "${CI:-}" != true ]
    exit
fi
for file in $files; do
    node --input-type=module --check <"$file" || { echo "in $file" >&2; exit 1; }
done
