"""Streams judged on parts of train, never on test: python tools/sweep.py configs/natops/choose.py --work-dir work_dirs/natops_choose"""
from pathlib import Path

HERE = Path(__file__).parent
runs = [dict(name=f'{name}, fold {n + 1}', config=str(HERE / f'{name}.py'),
             options={'data.train.split': f'fit{fold}', 'data.test.split': f'val{fold}'})
        for name in ('joint_bone_xy', 'joint_xy', 'bone_xy', 'joint_bone_zy') for n, fold in enumerate(('', '2', '3'))]
