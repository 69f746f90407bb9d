"""Which class's memory does a clip's graph resemble? ProtoGCN's class-specific contrastive loss."""

from __future__ import annotations

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn


class ClassContrast(nn.Module):
    """Cross entropy of the cosines between a clip's embedded graph and a memory of each class.

    In training the memory of a class moves towards the mean of the clips that the scores put into it
    rightly, before the clips are compared with it; the gradient goes through that mean. In testing it
    stays. It is no part of the state dict, so that published keys fit: see `training_state`.

    On several ranks the clips of all of them move the memory, which is the same on all, and the gradient
    summed over ranks is that of one process with all clips.

    Source: ProtoGCN, arXiv:2411.18941.

    Attributes:
        memory: (D, K) of each class. Drawn from torch's generator when the loss is built.

    Args:
        num_joints: V of the graph.
        num_classes: K.
        dim: D of the embedding.
        momentum: how much of its memory a class keeps in a step, 0..1.
        temperature: what cosines are divided by.

    Raises:
        ValueError: momentum or temperature out of range.
    """

    def __init__(
        self,
        num_joints: int,
        num_classes: int,
        dim: int = 256,
        momentum: float = 0.9,
        temperature: float = 0.125,
    ):
        super().__init__()
        if not 0 <= momentum <= 1:
            raise ValueError(f'momentum = {momentum}: expected 0 to 1, e.g. 0.9.')
        if not 0 < temperature < float('inf'):
            raise ValueError(f'temperature = {temperature}: expected a number above 0, e.g. 0.125.')
        self.momentum, self.temperature = momentum, temperature
        self.cl_fc = nn.Linear(num_joints**2, dim)
        self.register_buffer('memory', torch.randn(dim, num_classes), persistent=False)

    def forward(self, graph: Tensor, cls_score: Tensor, label: Tensor) -> Tensor:
        """Compare clips with the classes.

        Args:
            graph: (N, V*V), of the backbone.
            cls_score: (N, K) before softmax; says which clips are right, and gets no gradient.
            label: (N,) class indices.

        Returns:
            0-dim mean over clips, float32 (float64 where the layer is).
        """
        with torch.autocast(graph.device.type, enabled=False):
            embedding = self.cl_fc(graph.to(self.cl_fc.weight.dtype))  # (N, D)
            memory = self.memory
            if self.training:
                memory = self._moved(embedding, cls_score.detach(), label)
                self.memory.copy_(memory.detach())
            cosine = F.normalize(embedding, dim=1) @ F.normalize(memory, dim=0)  # (N, K)
            return F.cross_entropy(cosine / self.temperature, label)

    def _moved(self, embedding: Tensor, cls_score: Tensor, label: Tensor) -> Tensor:
        """Return the memory after this step: (D, K)."""
        is_right = cls_score.argmax(1) == label  # (N,)
        right = F.one_hot(label, self.memory.shape[1]).to(embedding) * is_right[:, None]  # (N, K)
        total, count = embedding.T @ right, right.sum(0)  # (D, K), (K,)
        if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
            both = _SumOverRanks.apply(torch.cat([total, count[None]]))
            total, count = both[:-1], both[-1]
        mean = total / count.clamp(min=1)
        moved = self.momentum * self.memory + (1 - self.momentum) * mean
        return torch.where(count > 0, moved, self.memory)

    def training_state(self) -> dict[str, Tensor]:
        """Return what a resumed run needs beyond the state dict."""
        return {'memory': self.memory.clone()}

    def load_training_state(self, state: dict[str, Tensor]) -> None:
        """Take up what `training_state` returned.

        Raises:
            ValueError: without a memory, or one of other classes or another width.
        """
        memory = state.get('memory')
        if memory is None or memory.shape != self.memory.shape:
            found = 'none' if memory is None else f'one of shape {tuple(memory.shape)}'
            raise ValueError(
                f'class memory of ProtoGCN: found {found}, expected {tuple(self.memory.shape)} '
                '(width, classes). Resume with the num_classes that the run was started with.'
            )
        self.memory.copy_(memory)


class _SumOverRanks(torch.autograd.Function):
    """The sum of all ranks' tensors; each rank's gradient is the sum of all ranks' gradients."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        total = x.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        dist.all_reduce(total)
        return total
