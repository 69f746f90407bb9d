"""RGBPose-Conv3D on iMiGUE's videos and a heatmap for each of its 22 joints; the recipe is ours.

The pose head also has a semantic embedding, as in arXiv:2307.10624. The network starts at random;
to start from two trained ones, set model.backbone.rgb_pathway.pretrained and
model.backbone.pose_pathway.pretrained.
"""

_base_ = [
    '../_base_/rgbpose_conv3d.py',
    '../_base_/rgbpose_imigue22.py',
    '../_base_/schedule_rgbpose.py',
]

model = dict(
    backbone=dict(pose_pathway=dict(in_channels=22)),  # one per joint
    cls_head=dict(
        num_classes=32, loss_emb=dict(type='MseLoss', loss_weight=20.0), emb_components=['pose']
    ),
)

optimizer = dict(lr=0.0075, weight_decay=0.0001)
auto_scale_lr = dict(base_batch_size=48)
total_epochs = 20
evaluation = dict(metrics=['top_k_accuracy', 'mean_class_accuracy', 'macro_f1'])
work_dir = './work_dirs/rgbpose_conv3d/imigue22_joint'
