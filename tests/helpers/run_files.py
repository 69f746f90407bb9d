"""What a training leaves behind, read for comparison."""

import json

import torch

from pyskl.engine.checkpoint import read_checkpoint


def rows(work_dir, mode=None):
    """Rows of all .log.json files of a run, oldest file first, without times."""
    found = [
        json.loads(line)
        for file in sorted(work_dir.glob('*.log.json'))
        for line in file.read_text().splitlines()
    ]
    return [
        {k: v for k, v in row.items() if k not in ('time', 'data_time')}
        for row in found
        if 'mode' in row and mode in (None, row['mode'])
    ]


def assert_same_checkpoint(a, b):
    """Weights, buffers and optimiser state are the same bits."""
    a, b = read_checkpoint(a), read_checkpoint(b)
    assert a['meta']['iter'] == b['meta']['iter']
    assert a['state_dict'].keys() == b['state_dict'].keys()
    for key, value in a['state_dict'].items():
        assert torch.equal(value, b['state_dict'][key]), key
    assert a['optimizer']['param_groups'] == b['optimizer']['param_groups']
    for key, state in a['optimizer']['state'].items():
        for name, value in state.items():
            assert torch.equal(
                torch.as_tensor(value), torch.as_tensor(b['optimizer']['state'][key][name])
            ), (key, name)
