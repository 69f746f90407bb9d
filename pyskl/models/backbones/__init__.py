"""The networks: from an input to features."""

from .aagcn import AAGCN
from .base import Backbone
from .c3d import C3D
from .ctrgcn import CTRGCN
from .dgstgcn import DGSTGCN
from .graph_backbone import GraphBackbone
from .msg3d import MSG3D
from .potion import PoTion
from .protogcn import ProtoGCN
from .resnet import ResNet
from .resnet3d import ResNet3d, ResNet3dSlowOnly
from .rgbposeconv3d import RGBPoseConv3D
from .sgn import SGN
from .slowfast import ResNet3dSlowFast
from .stgcn import STGCN
from .x3d import X3D

__all__ = [
    'AAGCN',
    'C3D',
    'CTRGCN',
    'DGSTGCN',
    'MSG3D',
    'SGN',
    'STGCN',
    'X3D',
    'Backbone',
    'GraphBackbone',
    'PoTion',
    'ProtoGCN',
    'RGBPoseConv3D',
    'ResNet',
    'ResNet3d',
    'ResNet3dSlowFast',
    'ResNet3dSlowOnly',
]
