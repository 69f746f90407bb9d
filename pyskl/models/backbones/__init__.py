"""The networks that there are, from an input to features."""

from .aagcn import AAGCN
from .base import Backbone
from .ctrgcn import CTRGCN
from .dgstgcn import DGSTGCN
from .graph_backbone import GraphBackbone
from .msg3d import MSG3D
from .protogcn import ProtoGCN
from .resnet3d import ResNet3d, ResNet3dSlowOnly
from .rgbposeconv3d import RGBPoseConv3D
from .sgn import SGN
from .slowfast import ResNet3dSlowFast
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
    'RGBPoseConv3D',
    'ResNet3d',
    'ResNet3dSlowFast',
    'ResNet3dSlowOnly',
]
