#!/usr/bin/env bash
# bash tools/dist_test.sh CONFIG N [options of tools/test.py]   or, as PYSKL had it:   bash tools/dist_test.sh CONFIG CHECKPOINT N [options]
if [[ $# -ge 3 && ! $2 =~ ^[0-9]+$ && $3 =~ ^[0-9]+$ ]]; then
    set -- "$1" "$3" -C "$2" "${@:4}"
fi
exec "$(dirname "$0")/launch.sh" test.py "$@"
