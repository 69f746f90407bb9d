"""SlowFast and RGBPoseConv3D in MMAction2's words."""

from __future__ import annotations

import pytest
from two_pathways import RGBPOSE, SLOWFAST

from pyskl.models import BACKBONES
from pyskl.recipe.dialects.networks import has_mmaction_names, translate_model
from pyskl.recipe.dialects.translation_log import TranslationLog

THEIRS = dict(
    type='resnet3d',
    pretrained=None,
    depth=50,
    base_channels=8,
    dilations=(1, 1, 1, 1),
    conv1_stride_t=1,
    pool1_stride_t=1,
    norm_eval=False,
)


def translated(backbone):
    log = TranslationLog('a.py')
    model = translate_model(dict(type='Recognizer3D', backbone=backbone), log)
    return model['backbone'], log


def test_slowfast_is_read_with_mmactions_kernel():
    slow = dict(THEIRS, lateral=True, conv1_kernel=(1, 7, 7), inflate=(0, 0, 1, 1))
    fast = dict(THEIRS, lateral=False, base_channels=1, conv1_kernel=(5, 7, 7))
    theirs = dict(type='ResNet3dSlowFast', slow_pathway=slow, fast_pathway=fast, init_cfg=None)
    backbone, log = translated(theirs)
    log.faults.raise_any('a.py')
    assert has_mmaction_names(theirs)
    assert backbone['fast_pathway'] == dict(
        pretrained=None,
        depth=50,
        base_channels=1,
        lateral=False,
        norm_eval=False,
        conv1_kernel=(5, 7, 7),
        conv1_stride=(1, 2),
        pool1_stride=(1, 2),
    )
    network = BACKBONES.build(backbone)
    assert network.slow_path.conv1_lateral.conv.kernel_size == (5, 1, 1)


@pytest.mark.parametrize('network', [SLOWFAST, RGBPOSE])
def test_pyskls_words_pass_untouched(network):
    assert not has_mmaction_names(network)


def test_a_kernel_that_is_given_stays_and_dilation_is_refused():
    slow = dict(THEIRS, lateral=True, fusion_kernel=7, dilations=(1, 1, 2, 2))
    backbone, log = translated(dict(type='ResNet3dSlowFast', slow_pathway=slow))
    assert backbone['slow_pathway']['fusion_kernel'] == 7
    with pytest.raises(Exception, match=r'slow_pathway\.dilations'):
        log.faults.raise_any('a.py')
