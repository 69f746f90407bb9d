_base_ = ['tiny.py']
custom_imports = dict(imports=['small_network'])
model = dict(
    backbone=dict(_delete_=True, type='SmallNetwork', in_channels=5),
    cls_head=dict(in_channels=8, loss_cls=dict(type='SymmetricCrossEntropy', beta=0.3)),
)
