"""stub until merged"""
from torch import nn


class ClassContrast(nn.Module):
    def __init__(self, num_joints, num_classes): super().__init__()
