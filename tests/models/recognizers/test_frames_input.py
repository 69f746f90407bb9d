"""Recognizers answer the same to frames as bytes and to the tensors that these become."""

from __future__ import annotations

import pytest
import torch

from pyskl.inputs import Frames, PixelScale, Target
from pyskl.registry import RECOGNIZERS

SCALE = PixelScale((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
HEAD = dict(type='SimpleHead', num_classes=3, dropout=0.0, loss_emb=None)
THREE_D = dict(
    type='Recognizer3D',
    backbone=dict(
        type='ResNet3dSlowOnly', depth=50, in_channels=3, base_channels=4, num_stages=1,
        out_indices=(0,), stage_blocks=(1,), inflate=(0,), spatial_strides=(1,),
        temporal_strides=(1,),
    ),
    cls_head=dict(HEAD, type='I3DHead', in_channels=16),
)  # fmt: skip
TWO_D = dict(
    type='Recognizer2D',
    backbone=dict(type='ResNet', depth=18, num_stages=1, strides=(1,), out_indices=(0,)),
    cls_head=dict(HEAD, mode='2D', in_channels=64),
    test_cfg=dict(num_segs=4),
)  # fmt: skip


def bytes_of(*shape: int) -> Frames:
    generator = torch.Generator().manual_seed(0)
    return Frames(torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator), SCALE)


@pytest.mark.parametrize(
    'config, test, train',
    [
        (THREE_D, (2, 3, 4, 16, 16, 3), (2, 1, 4, 16, 16, 3)),
        (TWO_D, (2, 4, 16, 16, 3), (2, 4, 16, 16, 3)),
    ],
    ids=['Recognizer3D', 'Recognizer2D'],
)  # fmt: skip
def test_frames_as_bytes_are_answered_as_tensors_are(config, test, train):
    torch.manual_seed(0)
    model = RECOGNIZERS.build(config).eval()
    target = Target(torch.device('cpu'), torch.float32)
    given = bytes_of(*test)
    with torch.no_grad():
        found, expected = (
            model.predict({'imgs': imgs}) for imgs in (given, given.tensor(None, target))
        )
    assert torch.equal(found['score'], expected['score'])

    given, label = bytes_of(*train), torch.tensor([[1], [2]])
    found, expected = (
        model({'imgs': imgs, 'label': label}) for imgs in (given, given.tensor(None, target))
    )
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[key], expected[key]) for key in found)
