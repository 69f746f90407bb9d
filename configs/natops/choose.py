"""Streams judged on parts of train, never on test: python tools/sweep.py configs/natops/choose.py --work-dir work_dirs/natops_choose

An ensemble of a fold is judged in the same table: the sum of two, three or four streams' probabilities.
"""
from pathlib import Path

HERE = Path(__file__).parent
GRAPH = str(HERE.parent / 'stgcn++' / 'natops.py')
STREAMS = {
    **{f'graph_{stream}': (GRAPH, {'stream': stream}) for stream in ('j', 'b')},
    **{name: (str(HERE / f'{name}.py'), {}) for name in ('joint_bone_xy', 'joint_bone_zy', 'joint_xy', 'bone_xy')}}
FOLDS = {1: '', 2: '2', 3: '3'}
runs = [dict(name=f'{name}, fold {n}', config=config,
             options={**options, 'data.train.split': f'fit{fold}', 'data.test.split': f'val{fold}'})
        for name, (config, options) in STREAMS.items() for n, fold in FOLDS.items()]
BLENDS = {
    'graph j + b': ['graph_j', 'graph_b'],
    'graph j + b + heatmaps xy': ['graph_j', 'graph_b', 'joint_bone_xy']}
ensembles = {f'{blend}, fold {n}': [f'{name}, fold {n}' for name in names]
             for blend, names in BLENDS.items() for n in FOLDS}
