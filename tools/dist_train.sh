#!/usr/bin/env bash
# bash tools/dist_train.sh CONFIG N [options of tools/train.py]: train on N processes (GPUs, or CPU processes where there are none).
# Several machines: set NNODES, NODE_RANK, MASTER_ADDR and PORT on each.
exec "$(dirname "$0")/launch.sh" train.py "$@"
