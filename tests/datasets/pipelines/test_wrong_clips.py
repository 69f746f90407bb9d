"""A clip that a step for graph networks cannot take is named."""

from __future__ import annotations

import numpy as np
import pytest
from pose_goldens import clip

from pyskl.datasets import PIPELINES
from pyskl.errors import DataError


@pytest.mark.parametrize(
    'step, settings, shape',
    [
        ('GenSkeFeat', dict(dataset='coco', feats=['b']), (1, 2, 25, 3)),
        ('JointToBone', dict(dataset='imigue22'), (1, 2, 17, 3)),
        ('Kinetics_Transform', {}, (1, 2, 25, 2)),
        ('PreNormalize2D', {}, (1, 3, 25, 3)),
        ('PreNormalize3D', {}, (1, 3, 25, 2)),
        ('PreNormalize3D', {}, (1, 3, 8, 3)),
        ('PadTo', dict(length=3), (1, 4, 25, 3)),
        ('RandomRot', {}, (1, 2, 25, 6)),
        ('Spatial_Flip', {}, (1, 2, 20, 3)),
        ('Part_Drop', {}, (1, 2, 20, 3)),
    ],
)
def test_key_points_of_another_shape_are_refused(step, settings, shape):
    with pytest.raises(DataError, match="clip 'a'"):
        PIPELINES.build(dict(type=step, **settings))(clip(np.ones(shape)))


@pytest.mark.parametrize(
    'step, settings, results',
    [
        ('GenSkeFeat', {}, clip(np.ones((1, 2, 17, 2)), np.ones((1, 2, 16)))),
        ('FormatGCNInput', {}, clip(np.ones((1, 5, 25, 2)), np.ones((1, 4, 25)))),
        ('FormatGCNInput', {}, clip(np.ones((1, 5, 25, 3)), num_clips=2)),
        ('PreNormalize2D', {}, clip(np.full((1, 3, 25, 2), np.nan))),
        ('PreNormalize2D', dict(mode='auto'), clip(np.full((1, 3, 25, 2), np.inf))),
    ],
)
def test_what_contradicts_the_key_points_is_refused(step, settings, results):
    with pytest.raises(DataError, match="clip 'a'"):
        PIPELINES.build(dict(type=step, **settings))(results)
