"""A cluster of one machine: sbatch, srun, sacct and scontrol as small shell scripts, without Slurm.

Jobs run in the background. Beside the scripts: NUMBER.sh, what sbatch was given; state_JOB;
pid_JOB, the process that srun started; starts_JOB, a line for each start.
"""

from __future__ import annotations

import os
from pathlib import Path

SBATCH = """
number=$(( $(cat count 2>/dev/null || echo 1000) + 1 )); echo $number > count
cp "$(cd "$back"; realpath "$1")" $number.sh
last=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\)%.*/\\1/p' $number.sh)
for task in $(seq 0 ${last:-0}); do
    job=$number${last:+_$task}
    echo PENDING > state_$job
    (
        cd "$back"
        export SLURM_JOB_ID=$(( number + task ))
        if [ -n "$last" ]; then export SLURM_ARRAY_JOB_ID=$number SLURM_ARRAY_TASK_ID=$task; fi
        while :; do
            echo RUNNING > $here/state_$job; echo start >> $here/starts_$job
            JOB=$job bash $here/$number.sh
            [ -e $here/requeue_$job ] || break
            rm $here/requeue_$job
        done
        echo COMPLETED > $here/state_$job
    ) > /dev/null 2>&1 < /dev/null &
done
echo "Submitted batch job $number"
"""
SRUN = """
out=/dev/null err=/dev/null
while :; do case "$1" in
    --unbuffered) shift;; --output) out=$2; shift 2;; --error) err=$2; shift 2;; *) break;;
esac; done
for name in out err; do
    value=${!name}; value=${value//%A_%a/$JOB}; value=${value//%j/$JOB}
    printf -v $name %s "${value//%t/0}"
done
echo $$ > pid_$JOB
cd "$back"
exec "$@" >> "$out" 2>> "$err"
"""
SACCT = """
echo 'JobID|State|NodeList'
for file in state_*; do echo "${file#state_}|$(cat $file)|here"; done
"""


def install(folder: Path, sbatch: str = SBATCH) -> dict[str, str]:
    """Write the scripts into `folder`; return a variable PATH with which they are found."""
    folder.mkdir()
    scripts = {'sbatch': sbatch, 'srun': SRUN, 'sacct': SACCT, 'scontrol': 'touch requeue_$2'}
    for name, text in scripts.items():
        start = f'#!/usr/bin/env bash\nback=$PWD here={folder}\ncd $here\n'
        (folder / name).write_text(start + text)
        (folder / name).chmod(0o755)
    return {'PATH': f'{folder}{os.pathsep}{os.environ["PATH"]}'}
