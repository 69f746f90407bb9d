"""The networks that there are, from an input to features."""

from .base import Backbone
from .resnet3d import ResNet3d, ResNet3dSlowOnly

__all__ = ['Backbone', 'ResNet3d', 'ResNet3dSlowOnly']
