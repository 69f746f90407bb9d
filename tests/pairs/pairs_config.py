custom_imports = dict(imports=['pairs'])
conv = dict(conv1_kernel=(1, 7, 7), lateral=True)
model = dict(
    type='MMRecognizer3D',
    backbone=dict(
        type='RGBPoseConv3D',
        rgb_pathway=dict(
            conv,
            stage_blocks=(1, 1, 1, 1),
            base_channels=4,
            lateral_infl=1,
            lateral_activate=(0, 0, 1, 1),
            inflate=(0, 0, 1, 1),
        ),
        pose_pathway=dict(
            conv,
            num_stages=3,
            stage_blocks=(1, 1, 1),
            base_channels=2,
            in_channels=5,
            lateral_inv=True,
            lateral_infl=16,
            lateral_activate=(0, 1, 1),
            out_indices=(2,),
            conv1_stride=(1, 1),
            pool1_stride=(1, 1),
            inflate=(0, 1, 1),
            spatial_strides=(2, 2, 2),
            temporal_strides=(1, 1, 1),
        ),
    ),
    cls_head=dict(
        type='RGBPoseHead',
        num_classes=3,
        in_channels=(128, 32),
        loss_weights=[1, 0.5],
        emb_dim=6,
        loss_emb=dict(type='MseLoss'),
    ),
)
data = dict(
    videos_per_gpu=4,
    workers_per_gpu=0,
    train=dict(type='Pairs', name='train', vectors=True),
    val=dict(type='Pairs', name='val', num_views=2, vectors=True),
    test=dict(type='Pairs', name='test', num_views=2, vectors=True),
)
optimizer = dict(type='SGD', lr=0.02, momentum=0.9)
optimizer_config = dict(grad_clip=dict(max_norm=40))
lr_config = dict(policy='step', step=[1])
total_epochs = 2
evaluation = dict(interval=1, metrics=['top_k_accuracy', 'mean_class_accuracy'], topk=(1, 2))
log_config = dict(interval=1)
work_dir = './run'
