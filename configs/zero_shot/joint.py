"""Zero-shot: every fourth class has no training clip and is recognised by the meaning of its name.

The embedding learns the label vectors of the seen classes (ContrastiveLoss, as in CLIP,
arXiv:2103.00020) and is compared with those of the unseen ones in testing. `python
tools/zero_shot.py` holds out each class once and prints a table.
"""

_base_ = ['../ablation/joint.py']

unseen = [2, 6, 10, 14, 18, 22, 26, 30]
model = dict(
    cls_head=dict(loss_emb=dict(type='ContrastiveLoss')),
    test_cfg=dict(semantic_weight=1.0, classes=unseen),
)
data = dict(
    train=dict(without_classes=unseen),
    val=dict(only_classes=unseen),
    test=dict(only_classes=unseen),
)
evaluation = dict(save_best=None)  # clips of unseen classes must not choose among checkpoints
work_dir = './work_dirs/zero_shot/joint'
