"""The networks that there are, from an input to features."""

from .aagcn import AAGCN
from .base import Backbone
from .ctrgcn import CTRGCN
from .msg3d import MSG3D
from .resnet3d import ResNet3d, ResNet3dSlowOnly
from .stgcn import STGCN

__all__ = ['AAGCN', 'CTRGCN', 'MSG3D', 'STGCN', 'Backbone', 'ResNet3d', 'ResNet3dSlowOnly']
