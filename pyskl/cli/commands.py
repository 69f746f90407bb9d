"""The commands of `pyskl`: name, module and a line of help."""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    """A command of `pyskl`.

    Attributes:
        module: module of this package; tools/MODULE.py runs its `main(argv)`, too.
        about: line of `pyskl --help`.
        words: subcommands, if it has any.
    """

    module: str
    about: str
    words: tuple[str, ...] = ()


GROUPS: dict[str, dict[str, Command]] = {
    'get started': {
        'demo': Command('demo', 'run everything once, on synthetic data (--quick: in a minute)'),
        'doctor': Command('doctor', 'check this machine: versions, devices, a short self-test'),
    },
    'prepare data': {
        'convert': Command('convert', 'convert skeletons of other tools and data sets'),
        'readlabel': Command('readlabel', 'convert iMiGUE, any release'),
        'convert-ntu': Command('convert_ntu', 'convert NTU RGB+D'),
        'convert-natops': Command('convert_natops', 'convert NATOPS'),
        'extract-pose': Command('extract_pose', 'find people and their key points in videos'),
        'make-demo-data': Command(
            'make_demo_data', "make synthetic micro-gestures in iMiGUE's raw form"
        ),
        'make-recordings': Command(
            'make_recordings', 'make synthetic recordings to spot gestures in'
        ),
        'join': Command('join', 'join annotation files, make splits, add labels'),
        'check': Command('check_data', 'check an annotation file, fix what can be fixed'),
        'pack': Command('pack', 'pack annotations into memory-mapped arrays'),
    },
    'configs': {
        'configs': Command(
            'configs',
            'list, show or copy the configs that come with pyskl',
            ('list', 'show', 'copy'),
        ),
        'new-config': Command('new_config', 'write configs for skeletons of your own'),
        'print-config': Command('print_config', 'print a config with every default'),
        'embed-labels': Command('embed_labels', 'make a table of label vectors'),
    },
    'train and test': {
        'train': Command('train', 'train a recognizer as a config says'),
        'test': Command('test', 'test a checkpoint: scores, figures, a submission'),
        'launch': Command('launch', 'train or test with several processes'),
        'sweep': Command('sweep', 'train, test and compare many settings'),
        'zero-shot': Command('zero_shot', 'test on classes without training clips'),
        'ensemble': Command('ensemble', 'blend the scores of several streams'),
    },
    'use and inspect models': {
        'predict': Command('predict', 'recognise videos or clips'),
        'spot': Command('spot', 'spot gestures in long recordings'),
        'export': Command('export', 'write a network as ONNX, for torch.export, as a folder'),
        'push': Command('push', 'upload a network to the Hugging Face Hub'),
        'convert-checkpoint': Command(
            'convert_checkpoint', 'convert .pth, .safetensors and weights of other toolboxes'
        ),
        'report': Command('report', 'write an HTML page about a test'),
        'visualize': Command(
            'visualize',
            'draw clips, heatmaps, pipelines, skeletons, graphs',
            ('clip', 'heatmap', 'pipeline', 'skeleton', 'graph'),
        ),
    },
    'this program': {
        'benchmark': Command('benchmark', 'measure the speed on this machine'),
        'completion': Command(
            'completion', 'print the completion script for a shell', ('bash', 'zsh')
        ),
    },
}
COMMANDS: dict[str, Command] = {
    name: one for group in GROUPS.values() for name, one in group.items()
}
NAME_OF_MODULE = {command.module: name for name, command in COMMANDS.items()}
