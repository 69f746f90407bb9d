"""Wrong configs and command lines of the scripts that read one: each is one message that says
where, what and what to try.
"""

from __future__ import annotations

import shutil
import socket

import pytest
import torch
from bad_input import Row, as_loop, call, config, cut, rows, text, world  # noqa: F401 (a fixture)

LONG = 300 * 'n'  # longer than a file system takes
JOINT_9 = """
for split in ('train', 'val', 'test'):
    for step in data[split]['pipeline']:
        if step['type'] == 'GeneratePoseTarget':
            step.update(skeletons=[(0, 9)], with_limb=True, with_kp=False)
model['backbone']['in_channels'] = 1
"""


def bad(content: str | bytes, **others: str):
    """bad.py with this content, and other modules beside it."""
    return lambda folder: [
        text(f'{name}.py', value)(folder) for name, value in {**others, 'bad': content}.items()
    ]


def key(says: str, fault: str, extra: str) -> Row:
    """A config in which one key is wrong."""
    return Row('train bad.py --work-dir new', f'{says}: {fault}', f'bad.py | {says}', config(extra))


def checkpoint(name: str, **parts):
    """A checkpoint like trained.pth with some parts replaced (a function gets the old one)."""

    def spoil(folder):
        data = torch.load(folder / 'trained.pth', weights_only=True)
        for part, value in parts.items():
            data[part] = value(data[part]) if callable(value) else value
        torch.save(data, folder / name)

    return spoil


FILES = [
    Row('train', 'config: none given', 'config'),
    Row('train tinny.py', 'config: missing', 'tinny.py | no such config | Did you mean tiny.py'),
    Row(f'train {LONG}.py', 'config: a name too long', 'nnn | too long'),
    Row('train a\0b.py', 'config: NUL in its name', 'null'),
    *rows(
        'train bad.py',
        ('_base_: NUL in its name', 'bad.py | _base_ | null', bad("_base_ = ['a\\0.py']")),
        ('config: a link to itself', 'bad.py | cannot be read', as_loop('bad.py')),
        ('config: no UTF-8', 'bad.py | UTF-8', bad(b'model = "\xff\xfe"')),
        (
            'config: a syntax error',
            'bad.py, line 2 | not valid Python',
            bad('a = 1\nmodel = dict('),
        ),
        (
            'config: tabs and spaces mixed',
            'bad.py, line 3 | tabs and spaces',
            bad('if True:\n        a = 1\n\tb = 2'),
        ),
        ('config: it raises', 'bad.py, line 2 | ZeroDivisionError', bad('a = 1\nb = a / 0')),
        ('config: it leaves', 'bad.py | SystemExit', bad('import sys\nsys.exit(0)')),
        (
            'config: it imports what is not there',
            'bad.py, line 1 | no_such_module',
            bad('import no_such_module'),
        ),
        ('config: it holds itself', 'bad.py', config('model["a"] = model')),
        ('config: empty', 'bad.py | model', bad('')),
        ('_base_: missing', 'bad.py | _base_ | bose.py', bad("_base_ = ['bose.py']")),
        ('_base_: itself', 'bad.py | _base_ | circle', bad("_base_ = ['./bad.py']")),
        (
            '_base_: a circle of two',
            'base.py | circle',
            bad("_base_ = ['base.py']", base="_base_ = 'bad.py'"),
        ),
        ('_base_: computed', 'bad.py, line 1 | _base_', bad("_base_ = ['./a' + '.py']")),
        ('_base_: a folder', 'bad.py | is a folder', bad("_base_ = ['raw']")),
        (
            '_base_: two bases say the same',
            'seed | _base_',
            bad("_base_ = ['a.py', 'b.py']", a='seed = 1', b='seed = 2'),
        ),
        (
            "_base_: mmengine's newer style",
            'bad.py, line 1 | read_base',
            bad('from mmengine.config import read_base'),
        ),
        (
            'custom_imports: no such module',
            'custom_imports | my_stuff',
            config("custom_imports = dict(imports=['my_stuff'])"),
        ),
        (
            'custom_imports: the module raises',
            'custom_imports | broken_stuff.py, line 1 | ValueError',
            bad(
                "custom_imports = dict(imports='broken_stuff')",
                broken_stuff="raise ValueError('no')",
            ),
        ),
        (
            'custom_imports: a file name',
            'custom_imports | my_stuff.py',
            config("custom_imports = dict(imports=['my_stuff.py'])"),
        ),
    ),
    Row('train raw', 'config: a folder', 'raw | is a folder'),
    Row('train ids.txt', 'config: no Python file', 'ids.txt | .py'),
    Row('print_config tinny.py', 'config: missing', 'tinny.py'),
    Row(
        'print_config tiny.py --cfg-options optimizer.momentun=0.8',
        '--cfg-options: no such key',
        'momentun | momentum',
    ),
    Row(
        'print_config bad.py',
        'optimizer: misspelt',
        'bad.py | optimzer | optimizer',
        lambda folder: text(
            'bad.py', (folder / 'tiny.py').read_text().replace('optimizer = ', 'optimzer = ')
        )(folder),
    ),
    Row('test tinny.py', 'config: missing', 'tinny.py'),
]

KEYS = [
    key(*case)
    for case in [
        ('total_epochs', 'zero', 'total_epochs = 0'),
        ('total_epochs', 'a text', "total_epochs = 'ten'"),
        ('total_epochs', 'half of one', 'total_epochs = 2.5'),
        ('total_epochs', 'missing', 'del total_epochs'),
        ('optimizer', 'missing', 'del optimizer'),
        ('optimizer | SGD', 'unknown', "optimizer['type'] = 'SDG'"),
        ('optimizer | learning rate: -0.1', 'negative', "optimizer['lr'] = -0.1"),
        ('optimizer.lr', 'NaN', "optimizer['lr'] = float('nan')"),
        ('lr', 'missing', "del optimizer['lr']"),
        ('momentun | momentum', 'unknown argument', "optimizer['momentun'] = 0.9"),
        (
            'lr_config.policy | CosineAnnealing',
            'misspelt',
            "lr_config['policy'] = 'CosinAnnealing'",
        ),
        ('step', 'falls', "lr_config = dict(policy='step', step=[90, 10])"),
        ('grad_clip.max_norm', 'negative', "optimizer_config['grad_clip']['max_norm'] = -1"),
        ('model | RecognizerTSN | Recognizer3D', 'unknown', "model['type'] = 'RecognizerTSN'"),
        ('model', 'a list', 'model = [1]'),
        ('backbone', 'missing', "del model['backbone']"),
        ('depht | depth', 'unknown argument', "model['backbone']['depht'] = 50"),
        ('depth | 51', 'not one that there is', "model['backbone']['depth'] = 51"),
        ('in_channels', 'negative', "model['backbone']['in_channels'] = -5"),
        (
            'in_channels | 5 channels',
            'not as many as heatmaps',
            "model['backbone']['in_channels'] = 4",
        ),
        (
            'stage_blocks',
            'a stage without blocks',
            "model['backbone']['stage_blocks'] = (1, 0, 1)",
        ),
        ('emb_dim | 6', "not the table's", "model['cls_head']['emb_dim'] = 300"),
        ('63 | 64', 'not what the backbone gives', "model['cls_head']['in_channels'] = 63"),
        ('num_classes', 'zero', "model['cls_head']['num_classes'] = 0"),
        ('dropout', 'above 1', "model['cls_head']['dropout'] = 1.5"),
        ('average_clips | mean', 'unknown', "model['test_cfg'] = dict(average_clips='mean')"),
        ('data.train', 'missing', "del data['train']"),
        ('PosDataset | PoseDataset', 'unknown', "data['train']['type'] = 'PosDataset'"),
        ('ann_file', 'missing', "del data['train']['ann_file']"),
        ('ann_fil', 'unknown argument', "data['train']['ann_fil'] = 'x'"),
        ('data.videos_per_gpu', 'zero', "data['videos_per_gpu'] = 0"),
        ('data.workers_per_gpu', 'negative', "data['workers_per_gpu'] = -1"),
        ('shufle | shuffle', 'unknown key', "data['train_dataloader'] = dict(shufle=True)"),
        ('shuffle', 'validation shuffled', "data['val_dataloader'] = dict(shuffle=True)"),
        ('pipeline', 'empty', "data['train']['pipeline'] = []"),
        (
            'pipeline[0] | UniformSample',
            'unknown stage',
            "data['train']['pipeline'][0] = dict(type='UniformSample')",
        ),
        (
            'pipeline[0] | FormatShape | imgs | GeneratePoseTarget',
            'a stage before what it needs',
            "step = dict(type='FormatShape', input_format='NCTHW_Heatmap')\n"
            "data['train']['pipeline'].insert(0, step)",
        ),
        (
            'pipeline | imgs',
            'ends too early',
            "data['train']['pipeline'] = data['train']['pipeline'][:7]",
        ),
        (
            'pipeline | emb | Collect',
            'a key that Collect dropped',
            "data['train']['pipeline'][9] = dict(type='Collect', keys=['imgs', 'label'])",
        ),
        ('clip_len', 'zero', "data['train']['pipeline'][0]['clip_len'] = 0"),
        ('scale', 'a text', "data['train']['pipeline'][3]['scale'] = 'big'"),
        ('area_range', 'above 1', "data['train']['pipeline'][4]['area_range'] = (0.7, 1.5)"),
        ('flip_ratio', 'above 1', "data['train']['pipeline'][6]['flip_ratio'] = 1.5"),
        (
            '9',
            'a joint that is not there',
            JOINT_9,
        ),
        ('interval', 'zero', 'checkpoint_config = dict(interval=0)'),
        ('max_keep_ckpt', 'unknown key', 'checkpoint_config = dict(max_keep_ckpt=3)'),
        ('metrics | top_k_accuracy', 'unknown', "evaluation['metrics'] = ['top_k']"),
        ('save_best', 'a figure that is not made', "evaluation['save_best'] = 'f1'"),
        ('log_config.interval', 'zero', 'log_config = dict(interval=0)'),
        ('log_level | INFO', 'unknown', "log_level = 'LOUD'"),
        ('seed', 'negative', 'seed = -1'),
        ('work_dir', 'a number', 'work_dir = 5'),
        ('workflow', 'with validation', "workflow = [('train', 1), ('val', 1)]"),
        ('param_scheduler', "MMAction2's newer style", 'param_scheduler = [dict(a=1)]'),
        ('fp16', 'in the config', 'fp16 = dict(loss_scale=512)'),
        ('class_prob', 'a class is missing', "data['train']['class_prob'] = {0: 1.0}"),
    ]
]

PLACES = [
    *rows(
        'train bad.py --work-dir new',
        (
            'model.backbone.pretrained: no such file',
            'none.pth | no such checkpoint',
            config("model['backbone']['pretrained'] = 'none.pth'"),
        ),
        (
            'data.train.pipeline: without PoseDecode',
            "clip 'train_0' | 8 frames | keypoint | PoseDecode",
            config("data['train']['pipeline'].pop(1)"),
        ),
        (
            'load_from: no such file',
            'none.pth | no such checkpoint',
            config("load_from = 'none.pth'"),
        ),
        (
            'load_from: no checkpoint',
            'ids.txt | not a complete checkpoint',
            config("load_from = 'ids.txt'"),
        ),
        ('resume_from: no such file', 'none.pth', config("resume_from = 'none.pth'")),
        (
            'data.train.split: not in the file',
            "train.pkl | 'trian' | Did you mean train",
            config("data['train']['split'] = 'trian'"),
        ),
        (
            'RepeatDataset.times: zero',
            'times',
            config("data['train'] = dict(type='RepeatDataset', times=0, dataset=data['train'])"),
        ),
    ),
]

COMMAND_LINE = [
    Row('train tiny.py --amp fp8', '--amp: unknown', '--amp | fp8'),
    Row('train tiny.py --seed -1 --dry-run', '--seed: negative', '--seed | -1 | 4294967295'),
    Row('train tiny.py --seed one', '--seed: no number', '--seed | one'),
    Row('train tiny.py --on-nan ignore', '--on-nan: unknown', '--on-nan | ignore'),
    Row('train tiny.py --work_dirr x', '--work_dirr: no such option', '--work_dirr'),
    Row('train tiny.py --work-dir new --device gpu', '--device: no device', '--device gpu | cpu'),
    Row('train tiny.py --work-dir new --device cuda:63', '--device: no such GPU', 'cuda | cpu'),
    Row('train tiny.py --launcher mpi', '--launcher: unknown', '--launcher | mpi'),
    Row(
        'train tiny.py --work-dir new --launcher pytorch',
        '--launcher: pytorch without torchrun',
        '--launcher pytorch | RANK | dist_train.sh',
    ),
    Row(
        'train tiny.py --work-dir new --launcher pytorch',
        '--launcher: ranks that are no numbers',
        '--launcher pytorch',
        env={'RANK': 'first', 'WORLD_SIZE': '2'},
    ),
    Row(
        'train tiny.py --work-dir new --launcher slurm',
        '--launcher: slurm without srun',
        '--launcher slurm | SLURM_PROCID | srun',
    ),
    Row(
        'train tiny.py --cfg-options optimizer.lr',
        '--cfg-options: no key=value',
        '--cfg-options | optimizer.lr | key=value',
    ),
    Row(
        'train tiny.py --cfg-options optimzer.lr=1',
        '--cfg-options: an unknown path',
        'optimzer | optimizer',
    ),
    Row(
        'train tiny.py --cfg-options data.train.pipeline.20.clip_len=4',
        '--cfg-options: an index beyond the list',
        'data.train.pipeline.20 | 0..',
    ),
    Row(
        'train tiny.py --cfg-options clip_len=4',
        '--cfg-options: a helper name',
        'clip_len | helper',
    ),
    Row(
        'train tiny.py --cfg-options data.videos_per_gpu=many',
        '--cfg-options: a value of another type',
        'videos_per_gpu | many',
    ),
    Row('train tiny.py --work-dir ids.txt', '--work-dir: a file', 'ids.txt'),
    Row('train tiny.py --work-dir ids.txt/run', '--work-dir: below a file', 'ids.txt'),
    Row(
        'train tiny.py --work-dir new --resume none.pth',
        '--resume: missing',
        'none.pth | no such checkpoint',
    ),
    Row('train tiny.py --work-dir new --resume raw', '--resume: a folder', 'raw'),
    Row(
        'train tiny.py --work-dir new --resume trained.pth',
        '--resume: cut short',
        'trained.pth | not a complete checkpoint',
        cut('trained.pth'),
    ),
    Row(
        'train tiny.py --work-dir new --resume bare.pth',
        '--resume: weights only',
        'bare.pth | load_from',
        lambda folder: torch.save(
            torch.load(folder / 'trained.pth', weights_only=True)['state_dict'], folder / 'bare.pth'
        ),
    ),
    Row(
        'train limb.py --work-dir new --resume trained.pth',
        '--resume: of another network',
        'trained.pth | does not fit | conv1',
        lambda folder: text(
            'limb.py',
            (folder / 'tiny.py')
            .read_text()
            .replace('in_channels=5', 'in_channels=4')
            .replace('with_kp=True, with_limb=False', 'with_kp=False, with_limb=True'),
        )(folder),
    ),
    *rows(
        'train tiny.py --work-dir new --resume odd.pth',
        (
            '--resume: its epoch is a text',
            'odd.pth | load_from',
            checkpoint('odd.pth', meta=lambda meta: {**meta, 'epoch': 'two'}),
        ),
        (
            '--resume: its position is negative',
            'odd.pth',
            checkpoint('odd.pth', resume=lambda resume: {**resume, 'inner': -3}),
        ),
        ('--resume: its optimiser is a list', 'odd.pth', checkpoint('odd.pth', optimizer=[1])),
        (
            '--resume: momentum of another shape',
            'odd.pth | shape',
            checkpoint(
                'odd.pth',
                optimizer=lambda state: {
                    **state,
                    'state': {k: {'momentum_buffer': torch.ones(7)} for k in state['state']},
                },
            ),
        ),
        ('--resume: its meta is a number', "odd.pth | 'meta'", checkpoint('odd.pth', meta=5)),
        (
            '--resume: a weight that is a text',
            'odd.pth | state_dict',
            checkpoint('odd.pth', state_dict={'a': 'b'}),
        ),
    ),
    Row(
        'train tiny.py --no-resume',
        '--no-resume: the folder holds a run',
        'run | already holds a run',
    ),
    Row(
        'train tiny.py --cfg-options optimizer.lr=0.5',
        'optimizer.lr: another than the run had',
        'epoch_1.pth | optimizer.lr: 0.03 -> 0.5',
    ),
    Row('train tiny.py --seed 3', '--seed: another than the run had', 'epoch_1.pth | seed 0'),
    *rows(
        'train tiny.py',
        (
            'work_dir: not a complete checkpoint in it',
            'epoch_1.pth | No whole checkpoint',
            cut('run/epoch_1.pth'),
        ),
        (
            'work_dir: the settings of its run are no json',
            'epoch_1.pth | unreadable',
            checkpoint('run/epoch_1.pth', meta=lambda meta: {**meta, 'settings': '{'}),
        ),
    ),
    Row(f'test tiny.py -C {LONG}.pth', '--checkpoint: a name too long', 'nnn | no such checkpoint'),
    *rows(
        'test tiny.py -C odd.pth',
        ('--checkpoint: a link to itself', 'odd.pth | no such checkpoint', as_loop('odd.pth')),
        (
            '--checkpoint: holds no weights',
            'odd.pth | state_dict',
            lambda folder: torch.save({'meta': {}}, folder / 'odd.pth'),
        ),
    ),
    Row('test tiny.py -C none.pth', '--checkpoint: missing', 'none.pth | no such checkpoint'),
    Row(
        'test tiny.py',
        '--checkpoint: none in the work dir',
        'latest.pth | -C',
        lambda folder: shutil.rmtree(folder / 'run'),
    ),
    Row(
        'test tiny.py -C trained.pth',
        '--checkpoint: cut short',
        'trained.pth | not a complete checkpoint',
        cut('trained.pth'),
    ),
    Row(
        'test bad.py -C trained.pth',
        '--checkpoint: of another network',
        'trained.pth | does not fit',
        config("model['cls_head']['num_classes'] = 4\nmodel['cls_head']['loss_emb'] = None"),
    ),
    Row('test tiny.py --eval accuracy', '--eval: unknown', 'accuracy | top_k_accuracy'),
    Row('test tiny.py --split all', '--split: unknown', '--split | all'),
    Row(
        'test bad.py --split val -C trained.pth',
        '--split: not in the config',
        'data.val',
        config("del data['val']"),
    ),
    Row('test tiny.py --average-clips mean', '--average-clips: unknown', '--average-clips | mean'),
    Row('test tiny.py --out out', '--out: a folder', 'out'),
    Row('test tiny.py --out ids.txt/result.pkl', '--out: below a file', 'ids.txt'),
    *rows(
        'test bad.py',
        (
            'data.test.pipeline: no imgs',
            'data.test | imgs',
            config("data['test']['pipeline'] = data['test']['pipeline'][:3]"),
        ),
        ('data.test: missing', 'data.test', config("del data['test']")),
    ),
]

ROWS = [*FILES, *KEYS, *PLACES, *COMMAND_LINE]


@pytest.mark.parametrize('row', ROWS, ids=str)
def test_a_wrong_config_or_command_line_is_one_message(row, world, capfd, monkeypatch):  # noqa: F811
    call(row, world, capfd, monkeypatch)


def test_a_port_in_use_is_said(world, capfd, monkeypatch):  # noqa: F811
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        env = {'RANK': '0', 'WORLD_SIZE': '2', 'LOCAL_RANK': '0', 'MASTER_ADDR': '127.0.0.1'}
        command = 'train tiny.py --work-dir new --launcher pytorch'
        row = Row(command, 'PORT: in use', f'{port} | port', env={**env, 'MASTER_PORT': port})
        call(row, world, capfd, monkeypatch)
