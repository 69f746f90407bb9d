"""The commands of `pyskl`: names, modules, subcommands and a line of help."""

from __future__ import annotations

# Groups of commands: {name: line of `pyskl --help`}.
GROUPS: dict[str, dict[str, str]] = {
    'get started': {
        'demo': 'run everything once, on synthetic data (--quick: in a minute)',
        'doctor': 'check this machine: versions, devices, a short self-test',
    },
    'prepare data': {
        'convert': 'convert skeletons of other tools and data sets',
        'readlabel': 'convert iMiGUE, any release',
        'convert-ntu': 'convert NTU RGB+D',
        'convert-natops': 'convert NATOPS',
        'extract-pose': 'find people and their key points in videos',
        'make-demo-data': "make synthetic micro-gestures in iMiGUE's raw form",
        'make-recordings': 'make synthetic recordings to spot gestures in',
        'join': 'join annotation files, make splits, add labels',
        'check': 'check an annotation file, fix what can be fixed',
        'pack': 'pack annotations into memory-mapped arrays',
    },
    'configs': {
        'configs': 'list, show or copy the configs that come with pyskl',
        'new-config': 'write configs for skeletons of your own',
        'print-config': 'print a config with every default',
        'embed-labels': 'make a table of label vectors',
    },
    'train and test': {
        'train': 'train a recognizer as a config says',
        'test': 'test a checkpoint: scores, figures, a submission',
        'launch': 'train or test with several processes',
        'sweep': 'train, test and compare many settings',
        'zero-shot': 'test on classes without training clips',
        'ensemble': 'blend the scores of several streams',
    },
    'use and inspect models': {
        'predict': 'recognise videos or clips',
        'spot': 'spot gestures in long recordings',
        'export': 'write a network as ONNX, for torch.export, as a folder',
        'push': 'upload a network to the Hugging Face Hub',
        'convert-checkpoint': 'convert .pth, .safetensors and weights of other toolboxes',
        'report': 'write an HTML page about a test',
        'visualize': 'draw clips, heatmaps, pipelines, skeletons, graphs',
    },
    'this program': {
        'benchmark': 'measure the speed on this machine',
        'completion': 'print the completion script for a shell',
    },
}
# {name: module of this package}; tools/MODULE.py runs its `main(argv)`, too.
COMMANDS = {name: name.replace('-', '_') for group in GROUPS.values() for name in group}
COMMANDS['check'] = 'check_data'
NAME_OF_MODULE = {module: name for name, module in COMMANDS.items()}
SUBCOMMANDS = {
    'configs': ('list', 'show', 'copy'),
    'visualize': ('clip', 'heatmap', 'pipeline', 'skeleton', 'graph'),
    'completion': ('bash', 'zsh'),
}
