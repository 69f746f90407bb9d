"""What networks made of stages share: arguments with a value per stage, and parts that are not trained."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def per_stage(name: str, values: Sequence, num_stages: int, exact: bool = False) -> tuple:
    """Return the first num_stages values.

    Args:
        name: of the argument, for the message.
        values: one per stage, more are passed over.
        num_stages: how many stages there are.
        exact: more values than stages are an error, too.

    Raises:
        ValueError: there are too few values (exact: or too many).
    """
    if len(values) < num_stages or (exact and len(values) != num_stages):
        raise ValueError(
            f'{name} = {tuple(values)} has {len(values)} entries; num_stages = '
            f'{num_stages} stages need one each.'
        )
    return tuple(values[:num_stages])


def check_positive(**values: int | Sequence[int]) -> None:
    """Raise ValueError unless all arguments are, or hold, whole numbers from 1 on."""
    for name, value in values.items():
        if min(value if isinstance(value, Sequence) else [value]) < 1:
            raise ValueError(f'{name} = {value}: expected whole numbers from 1 on.')


def check_stages(
    num_stages: int, frozen_stages: int = -1, out_indices: Sequence[int] | None = None
) -> None:
    """Raise ValueError for frozen stages or outputs of stages that there are not."""
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
    """Keep the weights and BatchNorm statistics of these parts, in place."""
    for part in parts:
        part.eval()
        part.requires_grad_(False)


def freeze_statistics(network: nn.Module) -> None:
    """Make every BatchNorm normalise by its running statistics, and keep them, in place."""
    for module in network.modules():
        if isinstance(module, _BatchNorm):
            module.eval()
