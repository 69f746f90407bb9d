"""NATOPS in docs/results.md, trained on train, tested on test: python tools/sweep.py configs/natops/plan.py --work-dir work_dirs/natops"""
from pathlib import Path

HERE = Path(__file__).parent
GRAPH = str(HERE.parent / 'stgcn++' / 'natops.py')
seeds = [0, 1, 2]
runs = [*(dict(name=f'graph_{stream}', config=GRAPH, options={'stream': stream}) for stream in ('j', 'b')),
        *(dict(name=name, config=str(HERE / f'{name}.py')) for name in ('joint_bone_xy', 'joint_bone_zy', 'joint_xy', 'bone_xy'))]
ensembles = {
    'xy + zy': ['joint_bone_xy', 'joint_bone_zy'],
    'graph j + b': ['graph_j', 'graph_b'],
    'graph j + b + heatmaps xy': ['graph_j', 'graph_b', 'joint_bone_xy']}
