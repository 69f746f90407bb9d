"""Starting weights for a backbone, read from a checkpoint file as data, never as a program."""
from __future__ import annotations

import os
from pathlib import Path

import torch
from torch import nn

from ..errors import CheckpointError
from ..files.torch_files import check_dense, how_to_fetch, load_tensors, reason, weights_in
from ..wording import brief
from .foreign_weights import to_our_names


def read_state_dict(path: str | os.PathLike) -> dict[str, torch.Tensor]:
    """The weights in a .pth file: its `state_dict` entry, or the whole file when it is a bare state dict; see to_our_names.

    raises  CheckpointError naming the file: absent, torn, holds something else, or wants to run code
    """
    advice = how_to_fetch(str(path), 'pretrained={}')
    if advice:
        raise CheckpointError(advice)
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f'{path}: there is no such checkpoint file. Give the path of a .pth file.')
    try:
        content = load_tensors(path)
    except Exception as error:      # of a damaged file torch makes a dozen kinds of error, IndexError among them
        raise CheckpointError(f'{path}: cannot be read as a checkpoint ({reason(error)}). Is it whole, and a .pth '
                              'file of tensors? Files that need code to be run are refused.') from error
    weights = weights_in(content)[1]
    if not weights or not all(isinstance(v, torch.Tensor) for v in weights.values()):
        raise CheckpointError(f'{path}: holds no weights; expected a dict of tensors, or one under "state_dict".')
    odd = next((key for key in weights if not isinstance(key, str)), None)
    if odd is not None:
        raise CheckpointError(f'{path}: names a weight {brief(odd)}, expected text. Is it a state dict?')
    check_dense(weights, f'{path}: the weight')
    return to_our_names(weights, str(path))[0]


def load_backbone(backbone: nn.Module, path: str | os.PathLike) -> None:
    """Fill a backbone from a checkpoint of the backbone alone or of a whole recognizer; other parts of it are passed over.

    raises  CheckpointError naming the missing and mis-shaped keys, or saying that the file holds a 2-D network
    """
    weights = read_state_dict(path)
    if any(key.startswith('backbone.') for key in weights):
        weights = {key.removeprefix('backbone.'): value for key, value in weights.items() if key.startswith('backbone.')}
    own = backbone.state_dict()
    is_3d = any(value.ndim == 5 for value in own.values())
    if is_3d and not any(value.ndim == 5 for value in weights.values()) and any(value.ndim == 4 for value in weights.values()):
        raise CheckpointError(f'{path}: holds a 2-D network (no 3-D convolution in it). Inflating 2-D weights is not offered; '
                              'give the checkpoint of a 3-D backbone, or pretrained=None.')
    faults = [f'{key} is {tuple(weights[key].shape)}, expected {tuple(own[key].shape)}'
              for key in own if key in weights and weights[key].shape != own[key].shape]
    faults += [f'{key} is missing' for key in own if key not in weights]
    if faults:
        more = f', and {len(faults) - 5} more' if len(faults) > 5 else ''
        raise CheckpointError(f'{path}: does not fit the backbone: {"; ".join(faults[:5])}{more}. '
                              'Is it of the same network? Compare the arguments of model.backbone with those it was trained with.')
    try:
        backbone.load_state_dict({key: weights[key] for key in own})
    except RuntimeError as error:       # a dtype that nothing can be copied from
        raise CheckpointError(f'{path}: its weights cannot be copied ({brief(str(error))}). Expected numbers as float32.') from error
