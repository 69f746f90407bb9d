_base_ = ['tiny.py']
custom_imports = dict(imports=['own_dataset'])
model = dict(cls_head=dict(loss_emb=None))
frames = [
    dict(type='UniformSampleFrames', clip_len=8),
    dict(type='PoseDecode'),
    dict(type='PoseCompact', hw_ratio=1.0),
    dict(type='Resize', scale=(16, 16), keep_ratio=False),
]
last = [
    dict(type='GeneratePoseTarget', with_kp=True, with_limb=False),
    dict(type='FormatShape', input_format='NCTHW_Heatmap'),
    dict(type='Collect', keys=['imgs', 'label']),
    dict(type='ToTensor', keys=['imgs', 'label']),
]
data = dict(
    train=dict(_delete_=True, type='Waves', size=40, pipeline=[*frames, *last]),
    val=dict(_delete_=True, type='Waves', size=12, seed=1, pipeline=[*frames, *last]),
    test=dict(_delete_=True, type='Waves', size=13, seed=2, pipeline=[*frames, *last]),
)
