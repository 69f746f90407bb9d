_base_ = ['tiny.py']
custom_imports = dict(imports=['graph_network'])
model = dict(
    _delete_=True,
    type='GraphRecognizer',
    backbone=dict(type='SmallGraphNetwork', bones=[(0, 1), (1, 2), (1, 3), (1, 4)], num_joints=5),
    cls_head=dict(type='I3DHead', in_channels=32, num_classes=3, dropout=0.0),
)
train_pipeline = [
    dict(type='UniformSampleFrames', clip_len=16),
    dict(type='PoseDecode'),
    dict(type='Flip', flip_ratio=0.5, left_kp=[3], right_kp=[4]),
    dict(type='CollectKeypoints'),
    dict(type='ToTensor', keys=['label']),
]
test_pipeline = [
    dict(type='UniformSampleFrames', clip_len=16, num_clips=2),
    dict(type='PoseDecode'),
    dict(type='CollectKeypoints'),
    dict(type='ToTensor', keys=['label']),
]
data = dict(
    train=dict(pipeline=train_pipeline),
    val=dict(pipeline=test_pipeline),
    test=dict(pipeline=test_pipeline),
)
optimizer = dict(_delete_=True, type='Adam', lr=0.01)
total_epochs = 60
