"""coco_joint_maps.py with a heatmap for each of 17 limbs instead of each joint."""

_base_ = ['coco_joint_maps.py']

limbs = dict(
    with_kp=False,
    with_limb=True,
    skeletons=[
        [0, 5],
        [0, 6],
        [5, 7],
        [7, 9],
        [6, 8],
        [8, 10],
        [5, 11],
        [11, 13],
        [13, 15],
        [6, 12],
        [12, 14],
        [14, 16],
        [0, 1],
        [0, 2],
        [1, 3],
        [2, 4],
        [11, 12],
    ],
)
mirrored = dict(
    limbs, left_limb=[0, 2, 3, 6, 7, 8, 12, 14], right_limb=[1, 4, 5, 9, 10, 11, 13, 15]
)
train_pipeline = [
    dict(step, **limbs) if step['type'] == 'GeneratePoseTarget' else step
    for step in _base_.train_pipeline
]
val_pipeline = [
    dict(step, **limbs) if step['type'] == 'GeneratePoseTarget' else step
    for step in _base_.val_pipeline
]
test_pipeline = [
    dict(step, **mirrored) if step['type'] == 'GeneratePoseTarget' else step
    for step in _base_.test_pipeline
]
data = dict(
    train=dict(dataset=dict(pipeline=train_pipeline)),
    val=dict(pipeline=val_pipeline),
    test=dict(pipeline=test_pipeline),
)
