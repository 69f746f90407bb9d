"""The joint stream of the demo, on made-up data (tools/make_demo_data.py).

A network that learns it in two minutes.

It differs from ../ablation/joint.py in two ways. Every stage sees neighbouring frames, since many
gestures share a place and differ only in direction or period. And a small stem with stride 2 makes
a step three times cheaper, so that nine epochs take the time of three.
"""

_base_ = ['../ablation/joint.py']

model = dict(
    backbone=dict(
        conv1_kernel=(1, 3, 3), conv1_stride=(1, 2), inflate=(1, 1, 1), temporal_strides=(1, 2, 2)
    )
)

total_epochs = 9
evaluation = dict(interval=3)
work_dir = './work_dirs/demo/joint'
