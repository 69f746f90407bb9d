"""What holds for every included config: it trains, it tests, and it can be printed."""

from __future__ import annotations

import pytest
from config_files import (
    CONFIGS,
    GRAPH_CONFIGS,
    HEATMAP_CONFIGS,
    POSEC3D_CONFIGS,
    RGBPOSE_CONFIGS,
    composed,
    config,
    name_of,
    recipe,
    splits_of,
)
from mmengine.config import Config
from tiny import script

from pyskl.recipe import differences, dump_config, load_config, read_recipe

EVERY_CONFIG = [*GRAPH_CONFIGS, *HEATMAP_CONFIGS, *POSEC3D_CONFIGS, *RGBPOSE_CONFIGS]

# Of each kind one, for what is slow.
ONE_OF_A_KIND = [
    'stgcn/stgcn_vanilla_ntu60_xview_hrnet.py',
    'stgcn++/stgcn++_ntu120_xset_3dkp.py',
    'strong_aug/ntu60_xview_3dkp.py',
    'dgstgcn/ntu60_xview_3dkp.py',
    'sgn/ntu120_xsub_3dkp.py',
    'protogcn/k400/km.py',
    'msg3d/imigue22.py',
    'ctrgcn/natops.py',
    'posec3d/slowonly_r50_ntu120_xsub/joint.py',
    'posec3d/slowonly_r50_346_k400/limb.py',
    'posec3d/slowonly_r50_hmdb51_k400p/s1_joint.py',
    'posec3d/slowonly_r50_imigue22/limb_motion.py',
    'posec3d/slowonly_r50_imigue_2dkp_emb20/limb.py',
    'posec3d/x3d_shallow_gym/limb.py',
    'demo/joint.py',
    'longtail/cutmix.py',
    'zero_shot/joint.py',
    'rgbpose_conv3d/rgbpose_conv3d.py',
]

one_of_a_kind = pytest.mark.parametrize('path', [CONFIGS / n for n in ONE_OF_A_KIND], ids=name_of)


@pytest.mark.parametrize('path', EVERY_CONFIG, ids=name_of)
def test_a_config_can_train_and_test(path):
    found = recipe(path)
    found.require('model', 'data.train', 'data.test', 'optimizer', 'lr_config', 'total_epochs')
    found.require('auto_scale_lr', *(() if path.stem == 'natops' else ('data.val', 'evaluation')))
    assert found.notes == ()
    for dataset in splits_of(found).values():
        composed(dataset['pipeline'])


def test_each_config_has_a_work_dir_of_its_name():
    for path in EVERY_CONFIG:
        name = name_of(path).removesuffix('.py').removesuffix('j')  # its stream is filled in
        assert recipe(path).work_dir.startswith(f'./work_dirs/{name}')
    assert len({recipe(path).work_dir for path in EVERY_CONFIG}) == len(EVERY_CONFIG)


@one_of_a_kind
def test_mmengine_alone_reads_the_same(path):
    assert config(path).to_dict() == Config.fromfile(str(path)).to_dict()


@one_of_a_kind
def test_what_is_dumped_or_printed_is_the_same_recipe(path, tmp_path, capsys):
    again = tmp_path / 'again.py'
    again.write_text(dump_config(config(path)))
    assert load_config(again).to_dict() == config(path).to_dict()

    script('print_config').main([str(path), '--cfg-options', 'seed=3'])
    again.write_text(capsys.readouterr().out)
    found, known = read_recipe(load_config(again)), read_recipe(load_config(path, ['seed=3']))
    assert differences(known.effective(), found.effective()) == [] and found.seed == 3
    script('print_config').main([str(again)])
    assert capsys.readouterr().out == again.read_text()
