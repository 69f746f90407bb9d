_base_ = ['tiny.py']
custom_imports = dict(imports=['picture_step'])
model = dict(backbone=dict(in_channels=3), cls_head=dict(loss_emb=None))
paint = [
    dict(type='PoseDecode'),
    dict(type='PoseCompact', hw_ratio=1.0),
    dict(type='PaintFrames'),
    dict(type='Collect', keys=['imgs', 'label']),
    dict(type='ToTensor', keys=['imgs', 'label']),
]
data = dict(
    train=dict(pipeline=[dict(type='UniformSampleFrames', clip_len=8), *paint]),
    val=dict(pipeline=[dict(type='UniformSampleFrames', clip_len=8, num_clips=2), *paint]),
    test=dict(pipeline=[dict(type='UniformSampleFrames', clip_len=8, num_clips=2), *paint]),
)
