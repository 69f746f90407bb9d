"""The networks that there are, from an input to features."""

from .aagcn import AAGCN
from .base import Backbone
from .ctrgcn import CTRGCN
from .dgstgcn import DGSTGCN
from .graph_backbone import GraphBackbone
from .msg3d import MSG3D
from .protogcn import ProtoGCN
from .resnet3d import ResNet3d, ResNet3dSlowOnly
from .sgn import SGN
from .stgcn import STGCN

__all__ = [
    'AAGCN',
    'CTRGCN',
    'DGSTGCN',
    'MSG3D',
    'SGN',
    'STGCN',
    'Backbone',
    'GraphBackbone',
    'ProtoGCN',
    'ResNet3d',
    'ResNet3dSlowOnly',
]
