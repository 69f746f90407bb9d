"""SGN: a light network that adds the type of each joint and the index of each frame to the input.

Source: Semantics-guided neural networks, arXiv:1904.01189.

Settings and state-dict keys are PYSKL's.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...errors import ConfigError
from ...registry import BACKBONES
from ..layers.initial import init_like_he
from .base import Backbone


class ConvReLU(nn.Module):
    """A convolution over time, optional BatchNorm, and ReLU, initialised as He et al. do.

    Args:
        in_channels, out_channels: C and C'.
        frames: size of the kernel, odd.
        norm: whether there is BatchNorm.
    """

    def __init__(self, in_channels: int, out_channels: int, frames: int = 1, norm: bool = False):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, (frames, 1), padding=(frames // 2, 0))
        self.bn = nn.BatchNorm2d(out_channels) if norm else nn.Identity()
        self.relu = nn.ReLU()
        init_like_he(self)

    def forward(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, C', T, V)."""
        return self.relu(self.bn(self.conv(x)))


class SGNGraphConv(nn.Module):
    """A graph convolution with a graph computed from the clip: relu(bn(conv(A x) + residual(x))).

    Args:
        in_channels, out_channels: C and C'.
    """

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 1, bias=False)
        self.residual = nn.Conv2d(in_channels, out_channels, 1)
        self.relu = nn.ReLU()
        self.bn = nn.BatchNorm2d(out_channels)
        nn.init.zeros_(self.conv.weight)

    def forward(self, x: Tensor, A: Tensor) -> Tensor:
        """Compute the convolution.

        Args:
            x: (P, C, T, V).
            A: (P, T, V, V); row v holds the weights of the joints that joint v attends to.

        Returns:
            (P, C', T, V).
        """
        gathered = torch.einsum('ptvw,pctw->pctv', A, x)
        return self.relu(self.bn(self.conv(gathered) + self.residual(x)))


@BACKBONES.register_module()
class SGN(Backbone):
    """SGN: a joint-level module of graph convolutions, then a frame-level one over time.

    Takes clips of exactly T frames. The features (N, M, 8 base_channels, 20, 1) have 20 frames and
    one joint.

    Args:
        in_channels: C of a key point.
        base_channels: width of the embeddings.
        T: frames of a clip.
        V: joints.
    """

    in_channels: int
    num_features: int

    def __init__(self, in_channels: int = 3, base_channels: int = 64, T: int = 30, V: int = 25):
        super().__init__()
        C = base_channels
        self.in_channels, self.num_features, self.T, self.V = in_channels, 8 * C, T, V

        self.joint_bn = nn.BatchNorm1d(in_channels * V)
        self.motion_bn = nn.BatchNorm1d(in_channels * V)
        self.t_embed = _embedding(T, C, 4 * C)
        self.s_embed = _embedding(V, C, C)
        self.joint_embed = _embedding(in_channels, C, C)
        self.motion_embed = _embedding(in_channels, C, C)
        self.compute_A1 = ConvReLU(2 * C, 4 * C)
        self.compute_A2 = ConvReLU(2 * C, 4 * C)
        self.tcn = nn.Sequential(
            nn.AdaptiveMaxPool2d((20, 1)),
            ConvReLU(4 * C, 4 * C, frames=3, norm=True),
            nn.Dropout(0.2),
            ConvReLU(4 * C, 8 * C, norm=True),
        )
        self.gcn1 = SGNGraphConv(2 * C, 2 * C)
        self.gcn2 = SGNGraphConv(2 * C, 4 * C)
        self.gcn3 = SGNGraphConv(4 * C, 4 * C)

    def forward(self, keypoint: Tensor) -> Tensor:
        """Map (N, M, T, V, C) to (N, M, C', 20, 1).

        Raises:
            ConfigError: the number of frames, joints or channels differs from the network's.
        """
        self.check_input(tuple(keypoint.shape[1:]))
        x = self.normalise(keypoint)
        return self.person_features(x.flatten(0, 1)).unflatten(0, x.shape[:2])

    def normalise(self, keypoint: Tensor) -> Tensor:
        """Normalise positions and motions: (N, M, T, V, C) -> (N, M, 2 C, T, V)."""
        joint = keypoint.permute(0, 1, 4, 3, 2)  # (N, M, C, V, T)
        # Motion is the step to the next frame; from the last frame to zero, as published.
        motion = F.pad(joint[..., 1:], (0, 1)) - joint
        both = [
            bn(x.flatten(2, 3).flatten(0, 1)).view(joint.shape)
            for bn, x in ((self.joint_bn, joint), (self.motion_bn, motion))
        ]
        return torch.cat(both, 2).transpose(3, 4)

    def person_features(self, x: Tensor) -> Tensor:
        """Map (P, 2 C, T, V), each person on its own, to (P, C', 20, 1)."""
        joint, motion = x.split(self.in_channels, 1)
        frame_code = torch.eye(self.T, dtype=x.dtype, device=x.device)[None, :, :, None]
        joint_code = torch.eye(self.V, dtype=x.dtype, device=x.device)[None, :, None]

        # Joint level: dynamics and type of each joint, convolved along the graph of each frame.
        dynamics = self.joint_embed(joint) + self.motion_embed(motion)  # (P, 64, T, V)
        joint_type = self.s_embed(joint_code).expand_as(dynamics)
        x = torch.cat([dynamics, joint_type], 1)  # (P, 128, T, V)
        A = torch.einsum('pctv,pctw->ptvw', self.compute_A1(x), self.compute_A2(x)).softmax(-1)
        x = self.gcn3(self.gcn2(self.gcn1(x, A), A), A)  # (P, 256, T, V)

        # Frame level: add the frame index, take the maximum over joints, convolve over time.
        return self.tcn(x + self.t_embed(frame_code))  # (P, 512, 20, 1)

    def pool(self, features: Tensor) -> Tensor:
        """Average (N, M, C', 20, 1) over frames and people: (N, C')."""
        return features.mean((3, 4)).mean(1)

    def check_input(self, shape: tuple[int, ...]) -> None:
        """Check that key points fit the network.

        Args:
            shape: (M, T, V, C) of a view.

        Raises:
            ConfigError: another number of frames, joints or channels.
        """
        expected = (self.T, self.V, self.in_channels)
        if len(shape) != 4 or shape[1:] != expected:
            raise ConfigError(
                f'model.backbone (SGN): key points of shape {(None, *shape)}; expected (N, M, T, '
                f'V, C) with (T, V, C) = {expected}. Set T, V and in_channels of the backbone, or '
                'the clip_len of the pipeline.'
            )


def _embedding(in_channels: int, mid_channels: int, out_channels: int) -> nn.Sequential:
    """Build two 1x1 convolutions, each followed by ReLU."""
    return nn.Sequential(ConvReLU(in_channels, mid_channels), ConvReLU(mid_channels, out_channels))
