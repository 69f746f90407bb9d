"""DG-STGCN. NTU120, other set-ups in the test; Kinect's 3D joints. lr 0.1 goes with 64 clips a step."""
_base_ = ['model.py', '../_base_/ntu_3dkp_turned.py', '../_base_/schedule_150.py']

model = dict(cls_head=dict(num_classes=120))
data = dict(
    train=dict(ann_file='data/nturgbd/ntu120_3danno.pkl', split='xset_train'),
    val=dict(ann_file='data/nturgbd/ntu120_3danno.pkl', split='xset_val'),
    test=dict(ann_file='data/nturgbd/ntu120_3danno.pkl', split='xset_val'))
auto_scale_lr = dict(base_batch_size=64)
work_dir = './work_dirs/dgstgcn/ntu120_xset_3dkp/{stream}'
