#!/usr/bin/env bash
# launch.sh SCRIPT CONFIG N [options]: run tools/SCRIPT on N processes; one process on one machine needs no launcher.
set -euo pipefail
if [[ $# -lt 3 || ! $3 =~ ^[1-9][0-9]*$ ]]; then
    echo "error: expected CONFIG and the number of processes, e.g. bash tools/dist_${1%.py}.sh configs/demo/joint.py 2" >&2
    exit 2
fi
script="$(dirname "$0")/$1" config=$2 processes=$3
shift 3
if [[ $processes == 1 && ${NNODES:-1} == 1 ]]; then
    exec "${PYTHON:-python}" "$script" "$config" "$@"
fi
if [[ ${NNODES:-1} == 1 && -z ${PORT:-} ]]; then
    where=(--standalone)                    # a free port is found
else
    where=(--nnodes "${NNODES:-1}" --node_rank "${NODE_RANK:-0}" --master_addr "${MASTER_ADDR:-127.0.0.1}" --master_port "${PORT:-29500}")
fi
# Slurm's warning before pre-emption, USR1, is handed on to the processes like TERM and INT
export PET_SIGNALS_TO_HANDLE=${PET_SIGNALS_TO_HANDLE:-SIGTERM,SIGINT,SIGHUP,SIGQUIT,SIGUSR1}
exec "${PYTHON:-python}" "$(dirname "$0")/launch.py" "${where[@]}" --nproc_per_node "$processes" "$script" "$config" --launcher pytorch "$@"
