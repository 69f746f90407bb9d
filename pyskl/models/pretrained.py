"""Load pretrained weights into a backbone, from checkpoint files that are data, never code."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from ..errors import CheckpointError, UserError
from ..files.safe_tensors import load_either
from ..files.torch_files import check_dense, how_to_fetch, reason, weights_in
from ..wording import brief
from .foreign_weights import renamed, to_our_names

_LOG = logging.getLogger('pyskl')

# In torchvision's and MMPretrain's ResNets a convolution and its BatchNorm are siblings.
_TORCHVISION = [
    (r'((?:layer\d+\.\d+\.)?conv\d)\.(weight|bias)', r'\1.conv.\2'),
    (r'((?:layer\d+\.\d+\.)?)bn(\d)\.(.+)', r'\1conv\2.bn.\3'),
    (r'(layer\d+\.\d+\.downsample)\.0\.(weight|bias)', r'\1.conv.\2'),
    (r'(layer\d+\.\d+\.downsample)\.1\.(.+)', r'\1.bn.\2'),
]
_COUNTER = 'num_batches_tracked'  # of BatchNorm; missing from older files
_CLASSIFIER = re.compile(r'(cls_head|head|fc|fc_cls|classifier)\.')


def read_state_dict(path: str | os.PathLike) -> dict[str, Tensor]:
    """Read the weights of a .pth or .safetensors file.

    Args:
        path: of the file, which is a state dict or holds one under `state_dict` or a similar key.

    Returns:
        The weights by name, see to_our_names.

    Raises:
        CheckpointError: the file is missing, damaged, no state dict, or would run code.
    """
    advice = how_to_fetch(str(path), 'pretrained={}')
    if advice:
        raise CheckpointError(advice)
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(
            f'{path}: there is no such checkpoint file. Give the path of a .pth or .safetensors '
            'file.'
        )
    try:
        content = load_either(path)
    except UserError:  # a package that is not installed
        raise
    # Damaged files make torch raise a dozen kinds of errors, IndexError among them.
    except Exception as error:
        raise CheckpointError(
            f'{path}: cannot be read as a checkpoint ({reason(error)}). Expected a complete .pth '
            'or .safetensors file of tensors; files that would run code are refused.'
        ) from error
    weights = weights_in(content)[1]
    if not weights or not all(isinstance(v, Tensor) for v in weights.values()):
        raise CheckpointError(
            f'{path}: holds no weights; expected a dict of tensors, or one under "state_dict".'
        )
    not_text = next((key for key in weights if not isinstance(key, str)), None)
    if not_text is not None:
        raise CheckpointError(
            f'{path}: a weight has the name {brief(not_text)}, expected text. Is it a state dict?'
        )
    check_dense(weights, f'{path}: the weight')
    return to_our_names(weights, str(path))[0]


def load_backbone(
    backbone: nn.Module,
    path: str | os.PathLike,
    inflate: bool = True,
    torchvision: bool = True,
    pad_inputs: tuple[str, ...] = (),
    at_random: tuple[str, ...] = (),
) -> None:
    """Load the weights of a checkpoint that fit into a backbone, in place.

    The file holds a backbone or a whole recognizer, whose other parts are ignored. Weights that do
    not fit keep their values and are named in one warning.

    Args:
        backbone: filled in place.
        path: of the file.
        inflate: whether the weights of a 2-D network may fill a 3-D one, see `inflated`.
        torchvision: whether the weights of a ResNet may have torchvision's names.
        pad_inputs: prefixes of kernels that also see the features of another pathway: channels
            that the file does not have start at zero.
        at_random: prefixes of weights that may be missing from the file.

    Raises:
        CheckpointError: the file can't be read, holds a 2-D network though `inflate` is False, or
            fits less than half of the backbone.
    """
    weights = read_state_dict(path)
    if any(key.startswith('backbone.') for key in weights):
        weights = {
            key.removeprefix('backbone.'): value
            for key, value in weights.items()
            if key.startswith('backbone.')
        }
    own = backbone.state_dict()
    if torchvision and 'conv1.conv.weight' in own:
        weights = with_our_names(weights)
    is_2d = _dims(own) == 5 and _dims(weights) == 4
    if is_2d and not inflate:
        raise CheckpointError(
            f'{path}: holds a 2-D network (it has no 3-D convolution). Give the checkpoint of a '
            '3-D backbone, set pretrained2d=True if model.backbone has it, or pretrained=None.'
        )

    # Bring the weights into the shapes of the backbone's.
    if is_2d:
        weights = inflated(weights, own)
    for key in own:
        if key in weights and key.startswith(pad_inputs):
            weights[key] = with_channels_of(own[key], weights[key])
    fitting = {
        key: weights[key]
        for key, value in own.items()
        if key in weights and weights[key].shape == value.shape
    }
    needed = {k: v for k, v in own.items() if k in weights or not k.startswith(at_random)}
    _check_fit(path, needed, weights, fitting, is_2d)
    try:
        backbone.load_state_dict({**own, **fitting})
    except RuntimeError as error:  # a dtype that cannot be converted
        raise CheckpointError(
            f'{path}: its weights cannot be copied ({brief(str(error))}). Expected float32 numbers.'
        ) from error


def inflated(
    weights_2d: Mapping[str, Tensor], own_state: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Repeat the kernels of a 2-D network over time, so that a 3-D one starts equivalent to it.

    On a clip of equal frames, W2d[:, :, None] / T repeated T times computes what W2d computes on
    one frame (except at the ends of the clip, because of the padding). BatchNorm stays as it is.

    Args:
        weights_2d: weights by torchvision's names or ours.
        own_state: the state dict of the 3-D network, which determines the length of each kernel.

    Returns:
        The weights by our names. Those without a 3-D kernel in `own_state` are unchanged.

    Source: Quo vadis, action recognition?, arXiv:1705.07750, section 2.4.1.
    """
    weights = with_our_names(weights_2d)
    for key, kernel in weights.items():
        own = own_state.get(key)
        if own is None or own.ndim != 5 or kernel.ndim != 4:
            continue
        frames = own.shape[2]
        weights[key] = kernel[:, :, None].expand(-1, -1, frames, -1, -1) / frames
    return weights


def with_channels_of(own: Tensor, kernel: Tensor) -> Tensor:
    """Append zeros for missing input channels of a 3-D kernel.

    Args:
        own: (D, C, ...) the wider kernel; or any other tensor.
        kernel: (D, C', ...).

    Returns:
        (D, C, ...), or `kernel` itself if no channels are missing.
    """
    if own.ndim != 5 or kernel.ndim != 5 or kernel.shape[1] >= own.shape[1]:
        return kernel
    missing = own.shape[1] - kernel.shape[1]
    zeros = kernel.new_zeros(kernel.shape[0], missing, *kernel.shape[2:])
    return torch.cat([kernel, zeros], 1)


def with_our_names(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the weights of torchvision's ResNets to our names; others keep theirs."""
    if not any(re.fullmatch(r'(layer\d+\.\d+\.)?bn\d\.weight', key) for key in weights):
        return dict(weights)
    return renamed(weights, _TORCHVISION)


def _dims(weights: Mapping[str, Tensor]) -> int:
    """Return the largest number of axes of a weight: 5 for a 3-D network, 4 for a 2-D one."""
    return max((value.ndim for value in weights.values()), default=0)


def _check_fit(
    path: str | os.PathLike,
    own: Mapping[str, Tensor],
    weights: Mapping[str, Tensor],
    fitting: Mapping[str, Tensor],
    is_2d: bool,
) -> None:
    """Warn about weights that do not fit.

    Raises:
        CheckpointError: less than half of the backbone's weights fit.
    """
    counted = [key for key in own if not key.endswith(_COUNTER)]
    filled = sum(key in fitting for key in counted)
    faults = [
        f'{key} is {tuple(weights[key].shape)}, expected {tuple(own[key].shape)}'
        if key in weights
        else f'{key} is missing'
        for key in counted
        if key not in fitting
    ]
    unused = [key for key in weights if key not in own and not _CLASSIFIER.match(key)]
    what = f'{path}: holds a 2-D network, which' if is_2d else f'{path}:'
    advice = (
        'Is it of the same network? Compare the arguments of model.backbone with those of its '
        'training.'
    )
    if 2 * filled < len(counted):
        raise CheckpointError(f'{what} does not fit the backbone: {_first(faults)}. {advice}')
    if faults:
        _LOG.warning(
            f'{what} fills {filled} of {len(counted)} weights of the backbone. These start at '
            f'random: {_first(faults)}. {advice}'
        )
    if unused:
        _LOG.warning(
            f'{path}: {len(unused)} of {len(weights)} weights have no place in the backbone: '
            f'{_first(unused)}. That is fine if the backbone has fewer stages. Otherwise: {advice}'
        )


def _first(names: list[str]) -> str:
    more = f', and {len(names) - 5} more' if len(names) > 5 else ''
    return '; '.join(names[:5]) + more
