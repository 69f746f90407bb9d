"""PoseC3D with stages of 3, 4 and 6 blocks, joints, from Kinetics-400. UCF101, split 1.

48 x 48 pixels.

Download `load_from` first, as the training says, then add
--cfg-options load_from=work_dirs/k400_posec3d-041f49c6.pth
"""

_base_ = [
    '../../_base_/slowonly.py',
    '../../_base_/coco_joint_maps.py',
    '../../_base_/schedule_24x10.py',
]

size = dict(train=(48, 48), val=(56, 56), test=(56, 56))
pipelines = {
    split: [
        dict(step, scale=size[split])
        if step['type'] == 'Resize' and step['scale'] != (-1, 64)
        else step
        for step in _base_[f'{split}_pipeline']
    ]
    for split in size
}
model = dict(backbone=dict(stage_blocks=(3, 4, 6)), cls_head=dict(num_classes=101))
data = dict(
    videos_per_gpu=16,
    train=dict(
        dataset=dict(
            ann_file='data/ucf101/ucf101_hrnet.pkl', split='train1', pipeline=pipelines['train']
        )
    ),
    val=dict(ann_file='data/ucf101/ucf101_hrnet.pkl', split='test1', pipeline=pipelines['val']),
    test=dict(ann_file='data/ucf101/ucf101_hrnet.pkl', split='test1', pipeline=pipelines['test']),
)
load_from = (
    'https://download.openmmlab.com/mmaction/v1.0/skeleton/posec3d/k400_posec3d-041f49c6.pth'
)
optimizer = dict(lr=0.01)
auto_scale_lr = dict(base_batch_size=128)
lr_config = dict(_delete_=True, policy='step', step=[9, 11])
total_epochs = 12
work_dir = './work_dirs/posec3d/slowonly_r50_ucf101_k400p/s1_joint'
