"""Helpers of networks made of stages: arguments with a value per stage, and frozen parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def per_stage(name: str, values: Sequence, num_stages: int, exact: bool = False) -> tuple:
    """Return the values of an argument for each stage.

    Args:
        name: of the argument, for the message.
        values: one per stage; further ones are ignored.
        num_stages: the number of stages.
        exact: whether further values are an error instead.

    Raises:
        ValueError: there are too few values, or with `exact` too many.
    """
    if len(values) < num_stages or (exact and len(values) != num_stages):
        raise ValueError(
            f'{name} = {tuple(values)} has {len(values)} entries; expected one for each of the '
            f'num_stages = {num_stages} stages.'
        )
    return tuple(values[:num_stages])


def check_positive(**values: int | Sequence[int]) -> None:
    """Check that arguments, numbers or sequences of them, are at least 1.

    Raises:
        ValueError: one is not.
    """
    for name, value in values.items():
        if min(value if isinstance(value, Sequence) else [value]) < 1:
            raise ValueError(f'{name} = {value}: expected whole numbers of at least 1.')


def check_stages(
    num_stages: int, frozen_stages: int = -1, out_indices: Sequence[int] | None = None
) -> None:
    """Check that frozen stages and outputs name stages that exist.

    Raises:
        ValueError: they do not.
    """
    if out_indices is not None and not (
        out_indices and all(0 <= i < num_stages for i in out_indices)
    ):
        raise ValueError(
            f'out_indices = {tuple(out_indices)}: expected stages within '
            f'0..{num_stages - 1} (num_stages = {num_stages}).'
        )
    if not -1 <= frozen_stages <= num_stages:
        raise ValueError(
            f'frozen_stages = {frozen_stages}: expected -1 (none) to {num_stages} (num_stages).'
        )


def freeze(parts: Iterable[nn.Module]) -> None:
    """Freeze the weights and BatchNorm statistics of some parts of a network, in place."""
    for part in parts:
        part.eval()
        part.requires_grad_(False)


def freeze_statistics(network: nn.Module) -> None:
    """Put every BatchNorm of a network into testing mode, in place."""
    for module in network.modules():
        if isinstance(module, _BatchNorm):
            module.eval()
