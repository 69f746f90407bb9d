"""Config files and command-line changes: what is executed, and each mistake with file and line."""

from __future__ import annotations

import os
import re
import sys
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyskl.errors import ConfigError
from pyskl.recipe import import_custom_modules, load_config
from pyskl.recipe.overrides import apply_options, parse_options, parse_value
from pyskl.registry import PIPELINES


@pytest.fixture
def write(tmp_path):
    def _write(text: str, name: str = 'joint.py') -> Path:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return _write


# -- files and bases -------------------------------------------------------------------------------


def test_a_child_changes_what_it_names_and_keeps_the_rest(write):
    write(
        'optimizer = dict(type="SGD", lr=0.1)\nlr_config = dict(policy="step", step=[3])\n'
        'scales = [1, 2]\n',
        'base.py',
    )
    write('_base_ = ["../base.py"]\noptimizer = dict(lr=0.2)\n', 'children/middle.py')
    cfg = load_config(
        write(
            '_base_ = "middle.py"\nlr_config = dict(_delete_=True, policy="CosineAnnealing")\n'
            'scales = [5]\n',
            'children/child.py',
        )
    )
    assert cfg.to_dict() == dict(
        optimizer=dict(type='SGD', lr=0.2), lr_config=dict(policy='CosineAnnealing'), scales=[5]
    )


def test_a_child_can_read_what_its_base_says(write):
    write('lr = 0.1\nmodel = dict(depth=50)\n', 'base.py')
    cfg = load_config(
        write("_base_ = ['base.py']\nhalf = _base_.lr / 2\ndepth = {{_base_.model.depth}}\n")
    )
    assert (cfg.half, cfg.depth) == (0.05, 50)


def test_configs_may_compute_and_import(write):
    text = 'import numpy as np\ndef double(x):\n    return 2 * x\nscale = (np.inf, double(32))\n'
    assert load_config(write(text)).to_dict() == dict(scale=(float('inf'), 64))


def test_reading_keeps_name_and_text_and_writes_nothing_beside_the_config(write, capfd):
    path = write('seed = 1\n')
    cfg = load_config(str(path), ['seed=2'])
    assert cfg.filename == str(path) and 'seed = 1' in cfg.text
    assert os.listdir(path.parent) == ['joint.py']
    assert capfd.readouterr() == ('', '')


BROKEN = {
    'a tab': ('if True:\n    a = 1\n\tb = 2\n', 'joint.py, line 3: mixes tabs and spaces'),
    'a syntax error': ('a = 1\nmodel = dict(\n', 'joint.py, line 2: is not valid Python'),
    'a return': ('a = 1\nreturn\n', 'joint.py, line 2: is not valid Python'),
    'an error in a function': (
        'def f():\n    return 1 / 0\n\na = f()\n',
        'joint.py, line 2: ZeroDivisionError',
    ),
    'an error in a library': (
        'import json\na = json.loads("{")\n',
        'joint.py, line 2: JSONDecodeError',
    ),
    'an error of ours': (
        'from pyskl.skeletons import get_layout\na = get_layout("coco")\n',
        "joint.py, line 2: skeleton layout 'coco'",
    ),
    'a way out': ('import sys\nsys.exit(3)\n', 'joint.py, line 2: SystemExit: 3'),
    'a value that contains itself': (
        'a = []\na.append(a)\n',
        'joint.py: ',
    ),
    'a lambda for a setting': (
        'model = dict(type="X", f=lambda: 1)\n',
        'joint.py: model.f is a function object',
    ),
    'a reserved name': ('text = "a"\n', 'joint.py: KeyError: text'),
    'read_base': (
        'from mmengine.config import read_base\nwith read_base():\n    from .base import *\n',
        'joint.py, line 1: read_base()',
    ),
    'a relative import': ('from . import base\n', 'joint.py, line 1: '),
    'an environment variable': ('a = "{{$HOME:/x}}"\n', 'joint.py: {{$NAME:default}}'),
    'a base that is not there': ('_base_ = ["bese.py"]\n', 'Did you mean base.py?'),
    'a base that is a folder': ('_base_ = ["folder"]\n', 'folder: is a folder'),
    'a base that is no config': ('_base_ = ["base.yaml"]\n', 'base.yaml: '),
    'a base with a mistake': ('_base_ = ["wrong.py"]\n', 'wrong.py, line 2: is not valid Python'),
    'a base that fails': ('_base_ = ["fails.py"]\n', 'fails.py, line 1: NameError'),
    'a base that is the file itself': ('_base_ = ["joint.py"]\n', ': joint.py -> joint.py'),
    'bases in a circle': ('_base_ = ["circle.py"]\n', ': joint.py -> circle.py -> joint.py'),
    'two bases with one key': ('_base_ = ["base.py", "base2.py"]\n', "({'seed'})"),
    'a base that is computed': ('_base_ = ["ba" + "se.py"]\n', 'joint.py, line 1: expected'),
    'a base of another package': ('_base_ = "x::base.py"\n', 'joint.py, line 1: expected'),
    '_base_ twice': ('_base_ = "base.py"\n_base_ = "base2.py"\n', 'joint.py, line 2: expected'),
    '_base_ under an if': ('if True:\n    _base_ = "base.py"\n', 'joint.py, line 2: expected'),
    'a dict over a list': ('_base_ = "base.py"\nscales = dict(a=1)\n', 'scales'),
}


@pytest.mark.parametrize('name', BROKEN)
def test_a_broken_config_is_named_with_its_line(write, name):
    write('seed = 1\nscales = [1]\n', 'base.py')
    write('seed = 2\n', 'base2.py')
    write('seed: 2\n', 'base.yaml')
    write('a = 1\nb = = 2\n', 'wrong.py')
    write('a = missing\n', 'fails.py')
    write('_base_ = ["joint.py"]\n', 'circle.py')
    write('a = 1\n', 'folder/inner.py')
    text, words = BROKEN[name]
    with pytest.raises(ConfigError) as caught:
        load_config(write(text))
    assert words in str(caught.value) and '\n' not in str(caught.value)
    assert 'joint.py' in str(caught.value) or 'base' in name


def test_a_file_that_is_not_there_is_named_with_its_neighbour(write):
    path = write('a = 1\n')
    with pytest.raises(ConfigError, match=r'jiont.py: .*Did you mean joint.py\?'):
        load_config(path.with_name('jiont.py'))


@pytest.mark.parametrize(
    ('content', 'words'), [(b'\xff\xfe\x00', 'is no UTF-8 text'), (b'a = 1\x00', 'joint.py')]
)
def test_a_file_that_is_no_text_is_said_so(write, content, words):
    path = write('')
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=words):
        load_config(path)


@pytest.mark.skipif(
    os.name == 'nt' or os.geteuid() == 0, reason='an administrator may read everything'
)
def test_a_file_that_may_not_be_read_is_said_so(write):
    path = write('a = 1\n')
    path.chmod(0)
    with pytest.raises(ConfigError, match='cannot be read'):
        load_config(path)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_in_a_file_are_a_config_or_a_config_error(tmp_path_factory, content):
    path = tmp_path_factory.mktemp('fuzz') / 'joint.py'
    path.write_bytes(content)
    is_utf16 = content[:2] in (b'\xff\xfe', b'\xfe\xff')
    try:
        compile(content.decode('utf-16') if is_utf16 else content, 'joint.py', 'exec')
    except Exception:  # not Python: must be said. What is Python is not run here
        with pytest.raises(ConfigError, match='joint.py'):
            load_config(path)


# -- custom imports --------------------------------------------------------------------------------


@pytest.fixture
def forget_modules():
    modules, path = dict(sys.modules), list(sys.path)
    registered = dict(PIPELINES.module_dict)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - set(modules):
        del sys.modules[name]
    for name in set(PIPELINES.module_dict) - set(registered):
        del PIPELINES.module_dict[name]


def test_a_module_beside_the_config_registers_its_stage(write, forget_modules):
    write(
        'from pyskl.registry import PIPELINES\n@PIPELINES.register_module()\n'
        'class BesideTheConfig:\n'
        '    def __call__(self, results):\n        return results\n',
        'my_stages_beside.py',
    )
    cfg = load_config(
        write('custom_imports = dict(imports=["my_stages_beside"], allow_failed_imports=False)\n')
    )
    assert 'BesideTheConfig' not in PIPELINES.module_dict  # reading alone imports nothing
    import_custom_modules(cfg)
    assert 'BesideTheConfig' in PIPELINES.module_dict


def test_a_module_in_the_current_folder_is_found(write, forget_modules, monkeypatch, tmp_path):
    (tmp_path / 'cwd' / 'my_pack').mkdir(parents=True)
    (tmp_path / 'cwd' / 'my_pack' / 'inner.py').write_text('VALUE = 1\n')
    monkeypatch.chdir(tmp_path / 'cwd')
    import_custom_modules(load_config(write('custom_imports = dict(imports="my_pack.inner")\n')))
    assert sys.modules['my_pack.inner'].VALUE == 1


@pytest.mark.parametrize(
    ('given', 'words'),
    [
        ('dict(imports=["no_such_module_xyz"])', "there is no module 'no_such_module_xyz'"),
        ('dict(imports=["json.no_such"])', "there is no module 'json.no_such'"),
        ('dict(imports=["broken_stage"])', "importing 'broken_stage' failed in"),
        ('dict(imports=["needs_more"])', "importing 'needs_more' failed in"),
        ('dict(imports=["wrong_syntax"])', 'wrong_syntax.py, line 1: is not valid Python'),
        ('dict(imports=["leaves"])', "importing 'leaves' failed"),
        ('dict(imports=["my/stages.py"])', "Try 'my.stages'"),
        ('dict(imports=[5])', 'custom_imports.imports = [5]'),
        ('dict(import_=["a"])', "unknown argument 'import_'. Did you mean imports?"),
        ('dict()', "'imports' is missing"),
        ('["a"]', "custom_imports = ['a']"),
    ],
)
def test_a_custom_import_that_fails_is_named(write, forget_modules, given, words):
    write('x = 1\ny = 1 / 0\n', 'broken_stage.py')
    write('import no_such_module_either\n', 'needs_more.py')
    write('def\n', 'wrong_syntax.py')
    write('import sys\nsys.exit(1)\n', 'leaves.py')
    with pytest.raises(ConfigError) as caught:
        import_custom_modules(load_config(write(f'custom_imports = {given}\n')))
    assert words in str(caught.value) and 'joint.py: custom_imports' in str(caught.value)


def test_an_import_that_may_fail_only_warns(write, forget_modules):
    cfg = load_config(
        write('custom_imports = dict(imports=["no_such_module_xyz"], allow_failed_imports=True)\n')
    )
    with pytest.warns(UserWarning, match='no_such_module_xyz'):
        import_custom_modules(cfg)


# -- values on the command line --------------------------------------------------------------------


@pytest.mark.parametrize(
    ('text', 'value'),
    [
        ('1', 1),
        ('-1', -1),
        ('1e-3', 1e-3),
        ('-inf', float('-inf')),
        ('true', True),
        ('FALSE', False),
        ('null', None),
        ('joint', 'joint'),
        ('"5"', '5'),
        ("'a b'", 'a b'),
        ('a b', 'a b'),
        ('data/x.pkl', 'data/x.pkl'),
        ('', ''),
        ('1,2,3', [1, 2, 3]),
        ('(1, 2)', (1, 2)),
        ('[(1,2),(3,4)]', [(1, 2), (3, 4)]),
        ('[]', []),
        ('()', ()),
        ('[a,b]', ['a', 'b']),
        ('a,b', ['a', 'b']),
        ('[data/x.pkl,data/y.pkl]', ['data/x.pkl', 'data/y.pkl']),
        ('(inf,64)', (float('inf'), 64)),
        ("dict(type='SGD',lr=0.1)", {'type': 'SGD', 'lr': 0.1}),
        ("{'a': [1]}", {'a': [1]}),
        ('{1,2}', '{1,2}'),
        ('C:\\data\\x.pkl', 'C:\\data\\x.pkl'),
        ('0453', '0453'),
        ('__import__("os").system("true")', '__import__("os").system("true")'),
        ('(lambda: 1)()', '(lambda: 1)()'),
        ('0.4/6', '0.4/6'),
        ('[a,b', '[a,b'),
        ('[(a,b),c]', [('a', 'b'), 'c']),
    ],
)
def test_a_value_is_read_by_its_looks_and_never_executed(text, value):
    found = parse_value(text)
    assert found == value and type(found) is type(value)


@given(st.text())
def test_any_text_is_some_value(text):
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        parse_value(text)


def test_options_may_hold_equals_signs_and_the_last_of_two_wins():
    assert parse_options(['a.b=c=d', 'x=1', 'x=2']) == {'a.b': 'c=d', 'x': 2}
    assert parse_options(None) == {} and parse_options({'a': 1}) == {'a': 1}


# -- setting them ----------------------------------------------------------------------------------

BASE = dict(
    pipeline=[dict(type='A', clip_len=48)],
    data=dict(
        videos_per_gpu=16,
        train=dict(type='PoseDataset', pipeline=[dict(type='A', clip_len=48), dict(type='B')]),
    ),
    model=dict(type='Recognizer3D', backbone=dict(depth=50, strides=(1, 2, 2)), test_cfg=None),
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9),
    optimizer_config=dict(grad_clip=None),
    seed=None,
)


def changed(*options):
    return apply_options(BASE, parse_options(options), 'joint.py')


def test_settings_are_changed_where_the_path_leads():
    after = changed(
        'data.train.pipeline.0.clip_len=16',
        'model.backbone.strides.1=4',
        'seed=3',
        'model.backbone.new=1',
    )
    assert after['data']['train']['pipeline'] == [dict(type='A', clip_len=16), dict(type='B')]
    assert after['model']['backbone'] == dict(depth=50, strides=(1, 4, 2), new=1)
    assert after['seed'] == 3


def test_known_dicts_that_are_not_there_yet_are_made():
    after = changed(
        'optimizer_config.grad_clip.max_norm=40',
        'evaluation.save_best=top1_acc',
        'data.val_dataloader.shuffle=False',
        'model.test_cfg.average_clips=score',
        'total_epochs=3',
    )
    assert after['optimizer_config'] == dict(grad_clip=dict(max_norm=40))
    assert after['evaluation'] == dict(save_best='top1_acc') and after['total_epochs'] == 3
    assert after['data']['val_dataloader'] == dict(shuffle=False)
    assert after['model']['test_cfg'] == dict(average_clips='score')


def test_a_dict_is_merged_unless_it_says_delete():
    assert changed('optimizer=dict(lr=1)')['optimizer'] == dict(type='SGD', lr=1, momentum=0.9)
    fresh = changed("optimizer=dict(_delete_=True,type='AdamW',lr=1)")['optimizer']
    assert fresh == dict(type='AdamW', lr=1)


@pytest.mark.parametrize(
    ('option', 'words'),
    [
        ('optimzer.lr=1', "there is no 'optimzer'. Did you mean optimizer?"),
        ('data.video_per_gpu=1', "there is no 'video_per_gpu'. Did you mean videos_per_gpu?"),
        ('model.bakbone.depth=18', "there is no 'bakbone'. Did you mean backbone?"),
        ('data.train.pipeline.2.clip_len=1', "'2' is not an index of this list of 2 (0..1)"),
        ('data.train.pipeline.-1.clip_len=1', "'-1' is not an index"),
        ('data.train.pipeline.A.clip_len=1', "'A' is not an index"),
        ('optimizer.lr.value=1', "'value' cannot be set inside 0.1"),
        ('pipeline.0.clip_len=16', "'pipeline' is a helper name"),
        ('data..lr=1', 'names joined by single dots'),
        ('.lr=1', 'names joined by single dots'),
        ('lr', 'expected key=value'),
        ('=1', 'expected key=value'),
    ],
)
def test_a_path_that_leads_nowhere_is_named(option, words):
    with pytest.raises(ConfigError, match=f'--cfg-options .*{re.escape(words)}'):
        changed(option)


def test_a_helper_that_was_used_is_named_with_the_place_to_set():
    values = {**BASE, 'train_pipeline': BASE['data']['train']['pipeline']}
    with pytest.raises(ConfigError, match='Set data.train.pipeline instead'):
        apply_options(values, {'train_pipeline.0.clip_len': 16}, 'joint.py')


NAMES = st.sampled_from(
    ['data', 'train', 'pipeline', '0', '1', 'optimizer', 'lr', 'seed', 'model', 'x', '']
)
VALUES = (
    st.none()
    | st.integers()
    | st.text(max_size=4)
    | st.dictionaries(st.sampled_from(['lr', 'type', '_delete_', 'x']), st.booleans())
)


@given(
    st.dictionaries(
        st.lists(NAMES, max_size=4).map('.'.join) | st.text(max_size=6), VALUES, max_size=3
    )
)
def test_any_option_is_set_or_named(options):
    before = repr(BASE)
    try:
        apply_options(BASE, options, 'joint.py')
    except ConfigError as error:
        assert all(message.startswith('joint.py: --cfg-options ') for message in error.messages)
    assert repr(BASE) == before
