"""Streams evaluated on parts of train, never on test.

python tools/sweep.py configs/natops/choose.py --work-dir work_dirs/natops_choose
"""

from pathlib import Path

HERE = Path(__file__).parent
GRAPH = HERE.parent / 'stgcn++' / 'natops.py'
STREAMS = {
    **{
        name: (HERE / f'{name}.py', {})
        for name in ('graph', 'joint_bone_xy', 'joint_xy', 'bone_xy', 'joint_bone_zy')
    },
    **{f'graph {stream}': (GRAPH, {'stream': stream}) for stream in ('j', 'b')},
}
FOLDS = {1: '', 2: '2', 3: '3'}
runs = [
    dict(
        name=f'{name}, fold {n}',
        config=str(config),
        options={**options, 'data.train.split': f'fit{fold}', 'data.test.split': f'val{fold}'},
    )
    for name, (config, options) in STREAMS.items()
    for n, fold in FOLDS.items()
]
ensembles = {
    f'graph + xy, fold {n}': [f'graph, fold {n}', f'joint_bone_xy, fold {n}'] for n in FOLDS
}
