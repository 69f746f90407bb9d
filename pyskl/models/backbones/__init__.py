"""Backbones: a volume of heatmaps (B, C, T, H, W) -> features (B, D, T', H', W')."""
from .resnet3d import ResNet3d, ResNet3dSlowOnly

__all__ = ['ResNet3d', 'ResNet3dSlowOnly']
