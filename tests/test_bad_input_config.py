"""Wrong configs and command lines of the scripts that read one: each is one message that says
where, what and what to try.
"""

from __future__ import annotations

import shutil

import pytest
import torch
from bad_input import Row, as_folder, as_loop, call, config, cut, text, world  # noqa: F401 (a fixture)


def base(*lines: str):
    """base.py with these lines, and bad.py that builds on it."""
    return lambda folder: [
        text('base.py', '\n'.join(lines) + '\n')(folder),
        text('bad.py', "_base_ = ['base.py']\n")(folder),
    ]


def key(name: str, fault: str, extra: str, *says: str) -> Row:
    """train.py with a config in which one key is wrong."""
    return Row(
        'train', name, fault, 'bad.py --work-dir new', ('bad.py', *(says or (name,))), config(extra)
    )


def checkpoint(name: str, **parts):
    """A checkpoint like trained.pth with some parts replaced (a function gets the old one)."""

    def spoil(folder):
        data = torch.load(folder / 'trained.pth', weights_only=True)
        for part, value in parts.items():
            data[part] = value(data[part]) if callable(value) else value
        torch.save(data, folder / name)

    return spoil


def without_run(folder):
    shutil.rmtree(folder / 'run')


FILES = [
    Row('train', 'config', 'none given', [], ('config',)),
    Row(
        'train',
        'config',
        'missing',
        'tinny.py',
        ('tinny.py', 'no such config', 'Did you mean tiny.py'),
    ),
    Row('train', 'config', 'a name too long', f'{300 * "n"}.py', ('nnn', 'too long')),
    Row('train', 'config', 'NUL in its name', ['a\0b.py'], ('null',)),
    Row(
        'train',
        '_base_',
        'NUL in its name',
        'bad.py',
        ('bad.py', '_base_', 'null'),
        text('bad.py', "_base_ = ['a\\0.py']\n"),
    ),
    Row('train', 'config', 'a folder', 'raw', ('raw', 'is a folder')),
    Row('train', 'config', 'no Python file', 'ids.txt', ('ids.txt', '.py')),
    Row(
        'train',
        'config',
        'a link to itself',
        'bad.py',
        ('bad.py', 'cannot be read'),
        as_loop('bad.py'),
    ),
    Row(
        'train',
        'config',
        'no UTF-8',
        'bad.py',
        ('bad.py', 'UTF-8'),
        text('bad.py', b'model = "\xff\xfe"\n'),
    ),
    Row(
        'train',
        'config',
        'a syntax error',
        'bad.py',
        ('bad.py, line 2', 'not valid Python'),
        text('bad.py', 'a = 1\nmodel = dict(\n'),
    ),
    Row(
        'train',
        'config',
        'tabs and spaces mixed',
        'bad.py',
        ('bad.py, line 3', 'tabs and spaces'),
        text('bad.py', 'if True:\n        a = 1\n\tb = 2\n'),
    ),
    Row(
        'train',
        'config',
        'it raises',
        'bad.py',
        ('bad.py, line 2', 'ZeroDivisionError'),
        text('bad.py', 'a = 1\nb = a / 0\n'),
    ),
    Row(
        'train',
        'config',
        'it leaves',
        'bad.py',
        ('bad.py', 'SystemExit'),
        text('bad.py', 'import sys\nsys.exit(0)\n'),
    ),
    Row(
        'train',
        'config',
        'it imports what is not there',
        'bad.py',
        ('bad.py, line 1', 'no_such_module'),
        text('bad.py', 'import no_such_module\n'),
    ),
    Row('train', 'config', 'it holds itself', 'bad.py', ('bad.py',), config('model["a"] = model')),
    Row('train', 'config', 'empty', 'bad.py', ('bad.py', 'model'), text('bad.py', '')),
    Row(
        'train',
        '_base_',
        'missing',
        'bad.py',
        ('bad.py', '_base_', 'bose.py'),
        text('bad.py', "_base_ = ['bose.py']\n"),
    ),
    Row(
        'train',
        '_base_',
        'itself',
        'bad.py',
        ('bad.py', '_base_', 'circle'),
        text('bad.py', "_base_ = ['./bad.py']\n"),
    ),
    Row(
        'train',
        '_base_',
        'a circle of two',
        'bad.py',
        ('base.py', 'circle'),
        base("_base_ = 'bad.py'"),
    ),
    Row(
        'train',
        '_base_',
        'computed',
        'bad.py',
        ('bad.py, line 1', '_base_'),
        text('bad.py', "_base_ = ['./a' + '.py']\n"),
    ),
    Row(
        'train',
        '_base_',
        'a folder',
        'bad.py',
        ('bad.py', 'is a folder'),
        text('bad.py', "_base_ = ['raw']\n"),
    ),
    Row(
        'train',
        '_base_',
        'two bases say the same',
        'bad.py',
        ('seed', '_base_'),
        lambda folder: [
            text(name, content)(folder)
            for name, content in (
                ('a.py', 'seed = 1\n'),
                ('b.py', 'seed = 2\n'),
                ('bad.py', "_base_ = ['a.py', 'b.py']\n"),
            )
        ],
    ),
    Row(
        'train',
        '_base_',
        "mmengine's newer style",
        'bad.py',
        ('bad.py, line 1', 'read_base'),
        text('bad.py', 'from mmengine.config import read_base\n'),
    ),
    Row(
        'train',
        'custom_imports',
        'no such module',
        'bad.py',
        ('custom_imports', 'my_stuff'),
        config("custom_imports = dict(imports=['my_stuff'])"),
    ),
    Row(
        'train',
        'custom_imports',
        'the module raises',
        'bad.py',
        ('custom_imports', 'broken_stuff.py, line 1', 'ValueError'),
        lambda folder: [
            text('broken_stuff.py', "raise ValueError('no')\n")(folder),
            config("custom_imports = 'broken_stuff'")(folder),
            config("custom_imports = dict(imports='broken_stuff')")(folder),
        ],
    ),
    Row(
        'train',
        'custom_imports',
        'a file name',
        'bad.py',
        ('custom_imports', 'my_stuff.py'),
        config("custom_imports = dict(imports=['my_stuff.py'])"),
    ),
    Row('print_config', 'config', 'missing', 'tinny.py', ('tinny.py',)),
    Row(
        'print_config',
        '--cfg-options',
        'no such key',
        'tiny.py --cfg-options optimizer.momentun=0.8',
        ('momentun', 'momentum'),
    ),
    Row(
        'print_config',
        'optimizer',
        'misspelt',
        'bad.py',
        ('bad.py', 'optimzer', 'optimizer'),
        lambda folder: text(
            'bad.py', (folder / 'tiny.py').read_text().replace('optimizer = ', 'optimzer = ')
        )(folder),
    ),
    Row('test', 'config', 'missing', 'tinny.py', ('tinny.py',)),
]

KEYS = [
    key('total_epochs', 'zero', 'total_epochs = 0'),
    key('total_epochs', 'a text', "total_epochs = 'ten'"),
    key('total_epochs', 'half of one', 'total_epochs = 2.5'),
    key('total_epochs', 'missing', 'del total_epochs'),
    key('optimizer', 'missing', 'del optimizer'),
    key('optimizer.type', 'unknown', "optimizer['type'] = 'SDG'", 'optimizer', 'SGD'),
    key('optimizer.lr', 'negative', "optimizer['lr'] = -0.1", 'optimizer', 'learning rate: -0.1'),
    key('optimizer.lr', 'NaN', "optimizer['lr'] = float('nan')"),
    key('optimizer.lr', 'missing', "del optimizer['lr']", 'lr'),
    key(
        'optimizer.momentun',
        'unknown argument',
        "optimizer['momentun'] = 0.9",
        'momentun',
        'momentum',
    ),
    key(
        'lr_config.policy',
        'misspelt',
        "lr_config['policy'] = 'CosinAnnealing'",
        'lr_config.policy',
        'CosineAnnealing',
    ),
    key('lr_config.step', 'falls', "lr_config = dict(policy='step', step=[90, 10])", 'step'),
    key('grad_clip.max_norm', 'negative', "optimizer_config['grad_clip']['max_norm'] = -1"),
    key(
        'model.type',
        'unknown',
        "model['type'] = 'RecognizerTSN'",
        'model',
        'RecognizerTSN',
        'Recognizer3D',
    ),
    key('model', 'a list', 'model = [1]'),
    key('model.backbone', 'missing', "del model['backbone']", 'backbone'),
    key(
        'model.backbone.depht',
        'unknown argument',
        "model['backbone']['depht'] = 50",
        'depht',
        'depth',
    ),
    key(
        'model.backbone.depth',
        'not one that there is',
        "model['backbone']['depth'] = 51",
        'depth',
        '51',
    ),
    key(
        'model.backbone.in_channels',
        'negative',
        "model['backbone']['in_channels'] = -5",
        'in_channels',
    ),
    Row(
        'train',
        'model.backbone.pretrained',
        'no such file',
        'bad.py --work-dir new',
        ('none.pth', 'no such checkpoint'),
        config("model['backbone']['pretrained'] = 'none.pth'"),
    ),
    key(
        'model.backbone.in_channels',
        'not as many as heatmaps',
        "model['backbone']['in_channels'] = 4",
        'in_channels',
        '5 channels',
    ),
    key(
        'model.backbone.stage_blocks',
        'a stage without blocks',
        "model['backbone']['stage_blocks'] = (1, 0, 1)",
        'stage_blocks',
    ),
    key(
        'model.cls_head.emb_dim',
        "not the table's",
        "model['cls_head']['emb_dim'] = 300",
        'emb_dim',
        '6',
    ),
    key(
        'model.cls_head.in_channels',
        'not what the backbone gives',
        "model['cls_head']['in_channels'] = 63",
        '63',
        '64',
    ),
    key(
        'model.cls_head.num_classes', 'zero', "model['cls_head']['num_classes'] = 0", 'num_classes'
    ),
    key('model.cls_head.dropout', 'above 1', "model['cls_head']['dropout'] = 1.5", 'dropout'),
    key(
        'model.test_cfg.average_clips',
        'unknown',
        "model['test_cfg'] = dict(average_clips='mean')",
        'average_clips',
        'mean',
    ),
    key('data.train', 'missing', "del data['train']"),
    key(
        'data.train.type',
        'unknown',
        "data['train']['type'] = 'PosDataset'",
        'PosDataset',
        'PoseDataset',
    ),
    key('data.train.ann_file', 'missing', "del data['train']['ann_file']", 'ann_file'),
    key('data.train.ann_fil', 'unknown argument', "data['train']['ann_fil'] = 'x'", 'ann_fil'),
    key('data.videos_per_gpu', 'zero', "data['videos_per_gpu'] = 0"),
    key('data.workers_per_gpu', 'negative', "data['workers_per_gpu'] = -1"),
    key(
        'data.train_dataloader',
        'unknown key',
        "data['train_dataloader'] = dict(shufle=True)",
        'shufle',
        'shuffle',
    ),
    key(
        'data.val_dataloader.shuffle',
        'validation shuffled',
        "data['val_dataloader'] = dict(shuffle=True)",
        'shuffle',
    ),
    key('data.train.pipeline', 'empty', "data['train']['pipeline'] = []", 'pipeline'),
    key(
        'data.train.pipeline[0]',
        'unknown stage',
        "data['train']['pipeline'][0] = dict(type='UniformSample')",
        'pipeline[0]',
        'UniformSample',
    ),
    key(
        'data.train.pipeline[0]',
        'a stage before what it needs',
        "data['train']['pipeline'].insert(0, dict(type='FormatShape', "
        "input_format='NCTHW_Heatmap'))",
        'pipeline[0]',
        'FormatShape',
        'imgs',
        'GeneratePoseTarget',
    ),
    key(
        'data.train.pipeline',
        'ends too early',
        "data['train']['pipeline'] = data['train']['pipeline'][:7]",
        'pipeline',
        'imgs',
    ),
    key(
        'data.train.pipeline',
        'a key that Collect dropped',
        "data['train']['pipeline'][9] = dict(type='Collect', keys=['imgs', 'label'])",
        'pipeline',
        'emb',
        'Collect',
    ),
    Row(
        'train',
        'data.train.pipeline',
        'without PoseDecode',
        'bad.py --work-dir new',
        ("clip 'train_0'", '8 frames', 'keypoint', 'PoseDecode'),
        config("data['train']['pipeline'].pop(1)"),
    ),
    key(
        'data.train.pipeline[0].clip_len',
        'zero',
        "data['train']['pipeline'][0]['clip_len'] = 0",
        'clip_len',
    ),
    key(
        'data.train.pipeline[3].scale',
        'a text',
        "data['train']['pipeline'][3]['scale'] = 'big'",
        'scale',
    ),
    key(
        'data.train.pipeline[4].area_range',
        'above 1',
        "data['train']['pipeline'][4]['area_range'] = (0.7, 1.5)",
        'area_range',
    ),
    key(
        'data.train.pipeline[6].flip_ratio',
        'above 1',
        "data['train']['pipeline'][6]['flip_ratio'] = 1.5",
        'flip_ratio',
    ),
    key(
        'skeletons',
        'a joint that is not there',
        "for p in data.values():\n    if isinstance(p, dict):\n        p['pipeline'] = [dict(s, "
        "skeletons=[(0, 9)], with_limb=True, with_kp=False) if s['type'] == 'GeneratePoseTarget' "
        "else s for s in p['pipeline']]\n"
        "model['backbone']['in_channels'] = 1\ndel p",
        '9',
    ),
    key('checkpoint_config.interval', 'zero', 'checkpoint_config = dict(interval=0)', 'interval'),
    key(
        'checkpoint_config.max_keep_ckpt',
        'unknown key',
        'checkpoint_config = dict(max_keep_ckpt=3)',
        'max_keep_ckpt',
    ),
    key(
        'evaluation.metrics',
        'unknown',
        "evaluation['metrics'] = ['top_k']",
        'metrics',
        'top_k_accuracy',
    ),
    key(
        'evaluation.save_best',
        'a figure that is not made',
        "evaluation['save_best'] = 'f1'",
        'save_best',
    ),
    key('log_config.interval', 'zero', 'log_config = dict(interval=0)'),
    key('log_level', 'unknown', "log_level = 'LOUD'", 'log_level', 'INFO'),
    key('seed', 'negative', 'seed = -1'),
    key('work_dir', 'a number', 'work_dir = 5'),
    key('workflow', 'with validation', "workflow = [('train', 1), ('val', 1)]"),
    Row(
        'train',
        'load_from',
        'no such file',
        'bad.py --work-dir new',
        ('none.pth', 'no such checkpoint'),
        config("load_from = 'none.pth'"),
    ),
    Row(
        'train',
        'load_from',
        'no checkpoint',
        'bad.py --work-dir new',
        ('ids.txt', 'not a complete checkpoint'),
        config("load_from = 'ids.txt'"),
    ),
    Row(
        'train',
        'resume_from',
        'no such file',
        'bad.py --work-dir new',
        ('none.pth',),
        config("resume_from = 'none.pth'"),
    ),
    key('param_scheduler', "MMAction2's newer style", 'param_scheduler = [dict(a=1)]'),
    key('fp16', 'in the config', 'fp16 = dict(loss_scale=512)'),
    key('class_prob', 'a class is missing', "data['train']['class_prob'] = {0: 1.0}", 'class_prob'),
    Row(
        'train',
        'data.train.split',
        'not in the file',
        'bad.py --work-dir new',
        ('train.pkl', "'trian'", 'Did you mean train'),
        config("data['train']['split'] = 'trian'"),
    ),
    Row(
        'train',
        'RepeatDataset.times',
        'zero',
        'bad.py --work-dir new',
        ('times',),
        config("data['train'] = dict(type='RepeatDataset', times=0, dataset=data['train'])"),
    ),
]

COMMAND_LINE = [
    Row('train', '--amp', 'unknown', 'tiny.py --amp fp8', ('--amp', 'fp8')),
    Row(
        'train', '--seed', 'negative', 'tiny.py --seed -1 --dry-run', ('--seed', '-1', '4294967295')
    ),
    Row('train', '--seed', 'no number', 'tiny.py --seed one', ('--seed', 'one')),
    Row('train', '--on-nan', 'unknown', 'tiny.py --on-nan ignore', ('--on-nan', 'ignore')),
    Row('train', '--work_dirr', 'no such option', 'tiny.py --work_dirr x', ('--work_dirr',)),
    Row(
        'train',
        '--device',
        'no device',
        'tiny.py --work-dir new --device gpu',
        ('--device gpu', 'cpu'),
    ),
    Row(
        'train',
        '--device',
        'no such GPU',
        'tiny.py --work-dir new --device cuda:63',
        ('cuda', 'cpu'),
    ),
    Row('train', '--launcher', 'unknown', 'tiny.py --launcher mpi', ('--launcher', 'mpi')),
    Row(
        'train',
        '--launcher',
        'pytorch without torchrun',
        'tiny.py --work-dir new --launcher pytorch',
        ('--launcher pytorch', 'RANK', 'dist_train.sh'),
    ),
    Row(
        'train',
        '--launcher',
        'slurm without srun',
        'tiny.py --work-dir new --launcher slurm',
        ('--launcher slurm', 'SLURM_PROCID', 'srun'),
    ),
    Row(
        'train',
        '--launcher',
        'ranks that are no numbers',
        'tiny.py --work-dir new --launcher pytorch',
        ('--launcher pytorch',),
        env={'RANK': 'first', 'WORLD_SIZE': '2'},
    ),
    Row(
        'train',
        '--cfg-options',
        'no key=value',
        'tiny.py --cfg-options optimizer.lr',
        ('--cfg-options', 'optimizer.lr', 'key=value'),
    ),
    Row(
        'train',
        '--cfg-options',
        'an unknown path',
        'tiny.py --cfg-options optimzer.lr=1',
        ('optimzer', 'optimizer'),
    ),
    Row(
        'train',
        '--cfg-options',
        'an index beyond the list',
        'tiny.py --cfg-options data.train.pipeline.20.clip_len=4',
        ('data.train.pipeline.20', '0..'),
    ),
    Row(
        'train',
        '--cfg-options',
        'a helper name',
        'tiny.py --cfg-options clip_len=4',
        ('clip_len', 'helper'),
    ),
    Row(
        'train',
        '--cfg-options',
        'a value of another type',
        'tiny.py --cfg-options data.videos_per_gpu=many',
        ('videos_per_gpu', 'many'),
    ),
    Row('train', '--work-dir', 'a file', 'tiny.py --work-dir ids.txt', ('ids.txt',)),
    Row('train', '--work-dir', 'below a file', 'tiny.py --work-dir ids.txt/run', ('ids.txt',)),
    Row(
        'train',
        '--resume',
        'missing',
        'tiny.py --work-dir new --resume none.pth',
        ('none.pth', 'no such checkpoint'),
    ),
    Row('train', '--resume', 'a folder', 'tiny.py --work-dir new --resume raw', ('raw',)),
    Row(
        'train',
        '--resume',
        'cut short',
        'tiny.py --work-dir new --resume trained.pth',
        ('trained.pth', 'not a complete checkpoint'),
        cut('trained.pth'),
    ),
    Row(
        'train',
        '--resume',
        'weights only',
        'tiny.py --work-dir new --resume bare.pth',
        ('bare.pth', 'load_from'),
        lambda folder: torch.save(
            torch.load(folder / 'trained.pth', weights_only=True)['state_dict'], folder / 'bare.pth'
        ),
    ),
    Row(
        'train',
        '--resume',
        'of another network',
        'limb.py --work-dir new --resume trained.pth',
        ('trained.pth', 'does not fit', 'conv1'),
        lambda folder: text(
            'limb.py',
            (folder / 'tiny.py')
            .read_text()
            .replace('in_channels=5', 'in_channels=4')
            .replace('with_kp=True, with_limb=False', 'with_kp=False, with_limb=True'),
        )(folder),
    ),
    Row(
        'train',
        '--resume',
        'its epoch is a text',
        'tiny.py --work-dir new --resume odd.pth',
        ('odd.pth', 'load_from'),
        checkpoint('odd.pth', meta=lambda meta: {**meta, 'epoch': 'two'}),
    ),
    Row(
        'train',
        '--resume',
        'its position is negative',
        'tiny.py --work-dir new --resume odd.pth',
        ('odd.pth',),
        checkpoint('odd.pth', resume=lambda resume: {**resume, 'inner': -3}),
    ),
    Row(
        'train',
        '--resume',
        'its optimiser is a list',
        'tiny.py --work-dir new --resume odd.pth',
        ('odd.pth',),
        checkpoint('odd.pth', optimizer=[1]),
    ),
    Row(
        'train',
        '--resume',
        'momentum of another shape',
        'tiny.py --work-dir new --resume odd.pth',
        ('odd.pth', 'shape'),
        checkpoint(
            'odd.pth',
            optimizer=lambda state: {
                **state,
                'state': {k: {'momentum_buffer': torch.ones(7)} for k in state['state']},
            },
        ),
    ),
    Row(
        'train',
        '--resume',
        'its meta is a number',
        'tiny.py --work-dir new --resume odd.pth',
        ('odd.pth', "'meta'"),
        checkpoint('odd.pth', meta=5),
    ),
    Row(
        'train',
        '--resume',
        'a weight that is a text',
        'tiny.py --work-dir new --resume odd.pth',
        ('odd.pth', 'state_dict'),
        checkpoint('odd.pth', state_dict={'a': 'b'}),
    ),
    Row(
        'train',
        '--no-resume',
        'the folder holds a run',
        'tiny.py --no-resume',
        ('run', 'already holds a run'),
    ),
    Row(
        'train',
        'optimizer.lr',
        'another than the run had',
        'tiny.py --cfg-options optimizer.lr=0.5',
        ('epoch_1.pth', 'optimizer.lr: 0.03 -> 0.5'),
    ),
    Row(
        'train', '--seed', 'another than the run had', 'tiny.py --seed 3', ('epoch_1.pth', 'seed 0')
    ),
    Row(
        'train',
        'work_dir',
        'not a complete checkpoint in it',
        'tiny.py',
        ('epoch_1.pth', 'No whole checkpoint'),
        cut('run/epoch_1.pth'),
    ),
    Row(
        'train',
        'work_dir',
        'the settings of its run are no json',
        'tiny.py',
        ('epoch_1.pth', 'unreadable'),
        checkpoint('run/epoch_1.pth', meta=lambda meta: {**meta, 'settings': '{'}),
    ),
    Row(
        'test',
        '--checkpoint',
        'a name too long',
        f'tiny.py -C {300 * "n"}.pth',
        ('nnn', 'no such checkpoint'),
    ),
    Row(
        'test',
        '--checkpoint',
        'a link to itself',
        'tiny.py -C odd.pth',
        ('odd.pth', 'no such checkpoint'),
        as_loop('odd.pth'),
    ),
    Row(
        'test', '--checkpoint', 'missing', 'tiny.py -C none.pth', ('none.pth', 'no such checkpoint')
    ),
    Row(
        'test', '--checkpoint', 'none in the work dir', 'tiny.py', ('latest.pth', '-C'), without_run
    ),
    Row(
        'test',
        '--checkpoint',
        'cut short',
        'tiny.py -C trained.pth',
        ('trained.pth', 'not a complete checkpoint'),
        cut('trained.pth'),
    ),
    Row(
        'test',
        '--checkpoint',
        'of another network',
        'bad.py -C trained.pth',
        ('trained.pth', 'does not fit'),
        config("model['cls_head']['num_classes'] = 4\nmodel['cls_head']['loss_emb'] = None"),
    ),
    Row(
        'test',
        '--checkpoint',
        'holds no weights',
        'tiny.py -C odd.pth',
        ('odd.pth', 'state_dict'),
        lambda folder: torch.save({'meta': {}}, folder / 'odd.pth'),
    ),
    Row('test', '--eval', 'unknown', 'tiny.py --eval accuracy', ('accuracy', 'top_k_accuracy')),
    Row('test', '--split', 'unknown', 'tiny.py --split all', ('--split', 'all')),
    Row(
        'test',
        '--split',
        'not in the config',
        'bad.py --split val -C trained.pth',
        ('data.val',),
        config("del data['val']"),
    ),
    Row(
        'test',
        '--average-clips',
        'unknown',
        'tiny.py --average-clips mean',
        ('--average-clips', 'mean'),
    ),
    Row('test', '--out', 'a folder', 'tiny.py --out out', ('out',)),
    Row('test', '--out', 'below a file', 'tiny.py --out ids.txt/result.pkl', ('ids.txt',)),
    Row(
        'test',
        'data.test.pipeline',
        'no imgs',
        'bad.py',
        ('data.test', 'imgs'),
        config("data['test']['pipeline'] = data['test']['pipeline'][:3]"),
    ),
    Row('test', 'data.test', 'missing', 'bad.py', ('data.test',), config("del data['test']")),
]

ROWS = [*FILES, *KEYS, *COMMAND_LINE]


def test_no_row_stands_twice():
    assert len({str(row) for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize('row', ROWS, ids=str)
def test_a_wrong_config_or_command_line_is_one_message(row, world, tmp_path, capfd, monkeypatch):  # noqa: F811
    folder = shutil.copytree(world, tmp_path / 'w', symlinks=True)
    call(row, folder, capfd, monkeypatch)


def test_a_port_in_use_is_said(world, tmp_path, capfd, monkeypatch):  # noqa: F811
    import socket

    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        row = Row(
            'train',
            'PORT',
            'in use',
            'tiny.py --work-dir new --launcher pytorch',
            (port, 'port'),
            env={
                'RANK': '0',
                'WORLD_SIZE': '2',
                'LOCAL_RANK': '0',
                'MASTER_ADDR': '127.0.0.1',
                'MASTER_PORT': port,
            },
        )
        call(row, shutil.copytree(world, tmp_path / 'w', symlinks=True), capfd, monkeypatch)


def test_a_folder_in_place_of_the_ann_file(world, tmp_path, capfd, monkeypatch):  # noqa: F811
    row = Row(
        'train',
        'data.train.ann_file',
        'a folder',
        'tiny.py --work-dir new',
        ('train.pkl',),
        as_folder('train.pkl'),
    )
    call(row, shutil.copytree(world, tmp_path / 'w', symlinks=True), capfd, monkeypatch)
