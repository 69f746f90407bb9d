"""A small 3-D network on heatmaps, and symmetric cross-entropy, a loss for wrong labels."""

from torch import nn

from pyskl.models import BACKBONES, LOSSES, Backbone


@BACKBONES.register_module()
class SmallNetwork(Backbone):
    """Two convolutions over heatmaps (N, C, T, H, W).

    Args:
        in_channels: C, one heatmap a joint or limb.
        width: channels of the features.
    """

    def __init__(self, in_channels: int, width: int = 8):
        super().__init__()
        self.in_channels, self.num_features = in_channels, width
        self.layers = nn.Sequential(
            nn.Conv3d(in_channels, width, 3, padding=1),
            nn.BatchNorm3d(width),
            nn.ReLU(),
            nn.Conv3d(width, width, 3, stride=2, padding=1),
            nn.BatchNorm3d(width),
            nn.ReLU(),
        )

    def forward(self, heatmaps):
        return self.layers(heatmaps)  # (N, D, T', H', W')

    def pool(self, features):
        return features.mean((2, 3, 4))  # (N, D)


@LOSSES.register_module()
class SymmetricCrossEntropy(nn.Module):
    """alpha times the cross-entropy, plus beta times that of labels and scores exchanged.

    Source: Wang et al. 2019, arXiv:1908.06112, section 3.2; A is their log 0.
    """

    A = -4.0

    def __init__(self, alpha: float = 1.0, beta: float = 0.5):
        super().__init__()
        self.alpha, self.beta = alpha, beta

    def forward(self, cls_score, label):
        # label (N,) is a class; where clips are mixed, it is (N, K), shares of each class.
        shares = label if label.ndim == 2 else nn.functional.one_hot(label, cls_score.shape[1])
        shares = shares.to(cls_score.dtype)
        forward = nn.functional.cross_entropy(cls_score, shares)
        reverse = -(cls_score.softmax(1) * shares.log().clamp(min=self.A)).sum(1).mean()
        return self.alpha * forward + self.beta * reverse
