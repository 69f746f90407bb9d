"""A lazy entry behaves as the array or tensor that it becomes, also for who writes into it."""

import numpy as np
import pytest
import torch
from made_clips import made_clip

from pyskl.datasets.pipelines import Compose, FormatShape, GeneratePoseTarget, Step
from pyskl.inputs import LazyArray


def results():
    return made_clip(1, 4, 17, (56, 56), missing=0, num_clips=2, clip_len=2)


def drawn():
    return np.array(GeneratePoseTarget()(results())['imgs'])


def test_arithmetic_in_place_changes_the_entry():
    step = GeneratePoseTarget()(results())
    step['imgs'] *= 2
    assert np.array_equal(step['imgs'], 2 * drawn())


def test_arithmetic_in_place_keeps_a_tensor_a_tensor():
    imgs = GeneratePoseTarget()(results())['imgs'].as_tensor()
    imgs -= 1
    assert torch.equal(imgs.value(), torch.from_numpy(drawn()) - 1)


@pytest.mark.parametrize(
    'write', [lambda imgs: imgs.__setitem__(0, 0), lambda imgs: imgs[0].fill(0)]
)
def test_what_is_written_into_it_passes_format_shape(write):
    step = GeneratePoseTarget()(results())
    write(step['imgs'])
    imgs = FormatShape('NCTHW_Heatmap')(step)['imgs']
    expected = drawn()
    expected[0] = 0
    assert imgs.input() is None  # the key points do not tell any more
    assert np.array_equal(imgs, expected.reshape(2, 2, 17, 56, 56).swapaxes(1, 2))


def test_np_array_makes_a_copy():
    imgs = GeneratePoseTarget()(results())['imgs']
    np.array(imgs)[:] = 7
    assert np.array_equal(imgs, drawn())


def test_torch_functions_take_it_by_name():
    imgs = GeneratePoseTarget()(results())['imgs'].as_tensor()
    assert torch.equal(torch.add(input=imgs, other=imgs), 2 * torch.from_numpy(drawn()))


class Child(GeneratePoseTarget):
    pass


class Around(Step):
    gives = ('imgs',)

    def __call__(self, results):
        return GeneratePoseTarget()(results)


@pytest.mark.parametrize('first', [GeneratePoseTarget(), Child(), Around()])
def test_a_step_of_ones_own_meets_no_lazy_entry_whatever_stands_before_it(first):
    seen = []

    class Look(Step):
        def __call__(self, results):
            seen.append(results['imgs'])
            return results

    Compose([first, Look()])(results())
    assert not isinstance(seen[0], LazyArray) and np.array_equal(seen[0], drawn())
