"""PoseC3D, "joints" that are limbs (see ../slowonly_r50_ntu120_xset/joint.py).

NTU120, other people in the test.
"""

_base_ = ['../slowonly_r50_ntu120_xset/joint.py']

# As published: the 60 classes that NTU60 does not have are seen twice as often.
data = dict(
    train=dict(dataset=dict(split='xsub_train', class_prob=[1.0] * 60 + [2.0] * 60)),
    val=dict(split='xsub_val'),
    test=dict(split='xsub_val'),
)
work_dir = './work_dirs/posec3d/slowonly_r50_ntu120_xsub/joint'
