"""NATOPS in docs/results.md, trained on train, tested on test.

python tools/sweep.py configs/natops/plan.py --work-dir work_dirs/natops
"""

from pathlib import Path

HERE = Path(__file__).parent
seeds = [0, 1, 2]
runs = [
    dict(name=name, config=str(HERE / f'{name}.py'))
    for name in ('graph', 'joint_bone_xy', 'joint_bone_zy', 'joint_xy', 'bone_xy')
]
ensembles = {
    'graph + xy': ['graph', 'joint_bone_xy'],
    'xy + zy': ['joint_bone_xy', 'joint_bone_zy'],
}
