"""Cross-entropy against PYSKL's numbers: hard and soft labels, class weights, other arguments."""

import numpy as np
import pytest
import torch
from recognizer_goldens import golden

from pyskl.models.losses import BCELossWithLogits, CrossEntropyLoss

INPUT = golden('loss/input')
WEIGHT = INPUT['class_weight'].tolist()


@pytest.mark.parametrize(
    ('name', 'loss', 'labels', 'further'),
    [
        ('CE_hard', CrossEntropyLoss(), 'hard', {}),
        ('CE_hard_weight0.5', CrossEntropyLoss(loss_weight=0.5), 'hard', {}),
        ('CE_hard_class_weight', CrossEntropyLoss(class_weight=WEIGHT), 'hard', {}),
        ('CE_hard_ignore_index2', CrossEntropyLoss(), 'hard', {'ignore_index': 2}),
        ('CE_hard_label_smoothing0.1', CrossEntropyLoss(), 'hard', {'label_smoothing': 0.1}),
        ('CE_soft', CrossEntropyLoss(), 'soft', {}),
        # Loss and gradient are exactly twice what the formula gives, as with loss_weight=2.
        ('CE_soft_class_weight', CrossEntropyLoss(2.0, class_weight=WEIGHT), 'soft', {}),
        ('CE_multi_hot', CrossEntropyLoss(), 'multi', {}),
        ('BCE', BCELossWithLogits(), 'multi', {}),
        ('BCE_weight333', BCELossWithLogits(loss_weight=333.0), 'multi', {}),
        ('BCE_class_weight', BCELossWithLogits(class_weight=WEIGHT), 'multi', {}),
        ('BCE_soft', BCELossWithLogits(), 'soft', {}),
    ],
)
def test_loss_and_gradient_equal_upstream_in_float64(name, loss, labels, further):
    expected = golden(f'loss/{name}')
    scores = torch.from_numpy(INPUT['score']).double().requires_grad_()
    value = loss(scores, torch.from_numpy(INPUT[labels]), **further)
    value.backward()
    assert float(value.detach()) == pytest.approx(float(expected['loss']), rel=1e-12)
    np.testing.assert_allclose(scores.grad, expected['grad'], rtol=1e-9, atol=1e-15)


def test_ignored_clips_weigh_nothing_where_classes_have_weights():
    scores, labels = torch.from_numpy(INPUT['score']), torch.from_numpy(INPUT['hard'])
    kept, loss = labels != 2, CrossEntropyLoss(class_weight=WEIGHT)
    assert float(loss(scores, labels, ignore_index=2)) == pytest.approx(
        float(loss(scores[kept], labels[kept])), rel=1e-6
    )


def test_shares_of_classes_have_no_label_to_ignore():
    with pytest.raises(ValueError, match='ignore_index'):
        CrossEntropyLoss()(
            torch.from_numpy(INPUT['score']), torch.from_numpy(INPUT['soft']), ignore_index=2
        )
