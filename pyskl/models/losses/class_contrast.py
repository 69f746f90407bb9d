"""ProtoGCN's class-specific contrastive loss on the graphs that the network learns."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn

MOMENTUM = 0.9  # share of its memory that a class keeps in a step
TEMPERATURE = 0.125  # divisor of the cosines


class ClassContrast(nn.Module):
    """Cross-entropy of the cosines between a clip's embedded graph and a memory of each class.

    In training, before the comparison, the memory of each class moves towards the mean of its
    correctly classified clips; gradients flow through that mean. In testing the memory is fixed. It
    is not part of the state dict, so that published keys fit: see `training_state`.

    With several ranks the clips of all ranks move the memory, which is the same on every rank, and
    the gradient summed over ranks equals that of one process with all clips.

    Args:
        num_joints: V of the graph.
        num_classes: K.
        dim: D of the embedding.

    Attributes:
        memory: (D, K), drawn from torch's generator when the loss is built.

    Source: ProtoGCN, arXiv:2411.18941.
    """

    memory: Tensor

    def __init__(self, num_joints: int, num_classes: int, dim: int = 256):
        super().__init__()
        self.cl_fc = nn.Linear(num_joints**2, dim)
        self.register_buffer('memory', torch.randn(dim, num_classes), persistent=False)

    def forward(self, graph: Tensor, cls_score: Tensor, label: Tensor) -> Tensor:
        """Compare the graphs of clips with the memory of the classes.

        Args:
            graph: (N, V * V) from the backbone.
            cls_score: (N, K) before softmax; tells which clips are correct and gets no gradient.
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
            return F.cross_entropy(cosine / TEMPERATURE, label)

    def _moved(self, embedding: Tensor, cls_score: Tensor, label: Tensor) -> Tensor:
        """Return the memory after this step: (D, K)."""
        # Sum the embeddings of the correctly classified clips of each class, over all ranks.
        is_correct = cls_score.argmax(1) == label  # (N,)
        member = (
            F.one_hot(label, self.memory.shape[1]).to(embedding) * is_correct[:, None]
        )  # (N, K)
        total, count = embedding.T @ member, member.sum(0)  # (D, K), (K,)
        if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
            sums = _SumOverRanks.apply(torch.cat([total, count[None]]))
            total, count = sums[:-1], sums[-1]

        # Classes without such a clip keep their memory.
        mean = total / count.clamp(min=1)
        moved = MOMENTUM * self.memory + (1 - MOMENTUM) * mean
        return torch.where(count > 0, moved, self.memory)

    def training_state(self) -> dict[str, Tensor]:
        """Return what a resumed run needs in addition to the state dict."""
        return {'memory': self.memory.clone()}

    def load_training_state(self, state: Mapping[str, Tensor]) -> None:
        """Restore what `training_state` returned.

        Raises:
            ValueError: there is no memory, or its width or number of classes differs.
        """
        memory = state.get('memory')
        if memory is None or memory.shape != self.memory.shape:
            found = 'none' if memory is None else f'one of shape {tuple(memory.shape)}'
            raise ValueError(
                f'class memory of ProtoGCN: found {found}, expected {tuple(self.memory.shape)} '
                '(width, classes). Resume with the num_classes of the first run.'
            )
        self.memory.copy_(memory)


class _SumOverRanks(torch.autograd.Function):
    """Sum a tensor over all ranks; backward, sum its gradient over all ranks."""

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
