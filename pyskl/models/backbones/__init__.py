"""The networks that there are, from an input to features."""

from .base import Backbone
from .dgstgcn import DGSTGCN
from .graph_backbone import GraphBackbone
from .protogcn import ProtoGCN
from .resnet3d import ResNet3d, ResNet3dSlowOnly
from .sgn import SGN

__all__ = [
    'Backbone',
    'DGSTGCN',
    'GraphBackbone',
    'ProtoGCN',
    'ResNet3d',
    'ResNet3dSlowOnly',
    'SGN',
]
