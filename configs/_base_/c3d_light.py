"""C3D-light, arXiv:2104.13586: half the width, no last stage, no pooling over time.

For 17 maps and NTU60.
"""

model = dict(
    type='Recognizer3D',
    backbone=dict(
        type='C3D', in_channels=17, base_channels=32, num_stages=3, temporal_downsample=False
    ),
    cls_head=dict(type='I3DHead', in_channels=256, num_classes=60, dropout=0.5),
    test_cfg=dict(average_clips='prob'),
)
