"""A trained network as a folder: it answers as before, its card says what it is, strangers' folders
are data.
"""

import json
import os
import shutil
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import numpy as np
import pytest
import tiny
import tiny_graph
import torch
import yaml

from pyskl.annotations import open_annotations
from pyskl.apis import TrainOptions, inference_recognizer, init_recognizer, train
from pyskl.errors import CheckpointError, ConfigError, DataError, UserError
from pyskl.hub import About, from_pretrained, push_to_hub, remote, save_pretrained

pytest.importorskip('safetensors', reason="needs pip install -e '.[safetensors]'")


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """A folder with a trained graph network, its metrics.json, and `net`, saved."""
    folder = tmp_path_factory.mktemp('hub')
    options = ['total_epochs=1', 'labels=["wave", "nod | <b>", "point"]']
    config = tiny_graph.problem(folder, num_train=8)
    train(config, TrainOptions(validate=False), options)
    config.write_text(config.read_text() + 'labels = ["wave", "nod | <b>", "point"]\n')
    figures = {'checkpoint': 'run/epoch_1.pth', 'split': 'test', 'clips': 13}
    figures['metrics'] = {'top1_acc': 0.25, 'mean_class_accuracy': 0.5}
    (folder / 'metrics.json').write_text(json.dumps(figures))
    about = About('cc-by-4.0', 'Made-up: gestures 👋', folder / 'metrics.json')
    save_pretrained(folder / 'net', config, folder / 'run' / 'latest.pth', about)
    return folder


@pytest.fixture
def saved(trained, tmp_path):
    """A copy of the folder, to be spoilt."""
    return Path(shutil.copytree(trained / 'net', tmp_path / 'net'))


def answers(model, folder):
    clips = list(open_annotations(folder / 'test.pkl'))[:3]
    return inference_recognizer(model, clips, top_k=None)


def test_a_saved_network_gives_the_same_scores_to_the_last_bit(trained):
    before = init_recognizer(trained / 'graph.py', trained / 'run' / 'latest.pth', 'cpu')
    for source in (trained / 'net', str(trained / 'net')):
        assert answers(from_pretrained(source, 'cpu'), trained) == answers(before, trained)
    # And with the config for the commands, which is read as any config is.
    net = trained / 'net'
    after = init_recognizer(net / 'config.py', net / 'model.safetensors', 'cpu')
    assert answers(after, trained) == answers(before, trained)


def test_a_network_on_heatmaps_that_compares_label_vectors_keeps_them(tmp_path, monkeypatch):
    config = tiny.problem(
        tmp_path, extra="model['test_cfg'] = dict(average_clips='prob', semantic_weight=0.5)\n"
    )
    torch.manual_seed(0)
    model = init_recognizer(config, None, 'cpu')
    weights = tmp_path / 'a.pth'
    torch.save({'state_dict': model.state_dict()}, weights)
    save_pretrained(tmp_path / 'net', config, weights)
    (tmp_path / 'labels.npy').unlink()
    read = from_pretrained(tmp_path / 'net', 'cpu')
    assert answers(read, tmp_path) == answers(model, tmp_path)

    # The commands find the vectors, too.
    monkeypatch.chdir(tmp_path / 'net')
    (tmp_path / 'net' / 'data').mkdir()
    shutil.copy(tmp_path / 'test.pkl', tmp_path / 'net' / 'data')
    assert tiny.script('test').main(['config.py', '-C', 'model.safetensors']) == 0

    # A stranger's vectors are numbers, or nothing.
    np.save('label_embeddings.npy', np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match='label_embeddings.npy'):
        from_pretrained(tmp_path / 'net', 'cpu')


def test_the_folder_names_no_file_of_its_author(trained):
    for path in (trained / 'net').glob('*'):
        assert str(trained).encode() not in path.read_bytes(), path.name


def test_the_card_begins_with_what_the_hub_reads(trained):
    text = (trained / 'net' / 'README.md').read_text()
    front = yaml.safe_load(text.split('---')[1])
    assert (front['license'], front['library_name']) == ('cc-by-4.0', 'pyskl')
    [result] = front['model-index'][0]['results']
    assert result['dataset']['name'] == 'Made-up: gestures 👋'
    figures = {f['name']: f['value'] for f in result['metrics']}
    assert figures == {'top1_acc': 0.25, 'mean_class_accuracy': 0.5}
    assert '1. nod \\| &lt;b&gt;' in text and '| top1_acc | 0.2500 |' in text
    assert '0 head, 1 chest, 2 hip' in text and "'UniformSample'" in text


def test_the_hub_takes_the_card(trained):
    hub = pytest.importorskip('huggingface_hub', reason="needs pip install -e '.[hub]'")
    card = hub.ModelCard.load(trained / 'net' / 'README.md')
    [accuracy, _] = card.data.eval_results
    assert (card.data.license, accuracy.metric_value) == ('cc-by-4.0', 0.25)


def test_facts_are_there_for_programs(trained):
    facts = json.loads((trained / 'net' / 'config.json').read_text())
    assert facts['labels'] == ['wave', 'nod | <b>', 'point'] and facts['licence'] == 'cc-by-4.0'
    assert facts['input']['num_joints'] == 5 and facts['input']['layout']['name'] == 'five'
    assert facts['training']['optimizer']['lr'] == 0.1 and facts['training']['epoch'] == 1
    assert facts['test']['clips'] == 13


def test_figures_of_another_checkpoint_and_code_of_the_users_own_are_refused(trained, tmp_path):
    about = About(metrics=tmp_path / 'metrics.json')
    given = trained / 'graph.py', trained / 'run' / 'latest.pth'
    figures = json.loads((trained / 'metrics.json').read_text())
    (tmp_path / 'metrics.json').write_text(json.dumps({**figures, 'checkpoint': 'epoch_9.pth'}))
    with pytest.raises(DataError, match='the figures of epoch_9.pth'):
        save_pretrained(tmp_path / 'net', *given, about)
    own = {'custom_imports': dict(imports='tiny')}
    with pytest.raises(ConfigError, match='custom_imports'):
        save_pretrained(tmp_path / 'net', *given, cfg_options=own)
    assert not (tmp_path / 'net').exists()


def test_a_folder_is_written_anew_but_never_over_files_of_others(trained, saved):
    given = trained / 'graph.py', trained / 'run' / 'latest.pth'
    save_pretrained(saved, *given)
    assert json.loads((saved / 'config.json').read_text())['licence'] is None
    (saved / '.git').mkdir()
    with pytest.raises(UserError, match='holds .git, which would be lost'):
        save_pretrained(saved, *given)
    assert (saved / '.git').is_dir()


# -- folders of strangers --------------------------------------------------------------------------


def test_no_code_of_a_folder_is_run(saved, tmp_path, monkeypatch):
    monkeypatch.chdir(saved)
    bomb = f"open({str(tmp_path / 'ran')!r}, 'w')\n"
    (saved / 'config.py').write_text(bomb)
    (saved / 'bomb.py').write_text(bomb)
    change(saved, lambda c: c['config'].update(custom_imports=dict(imports=['bomb'])))
    from_pretrained(saved, 'cpu')
    assert not (tmp_path / 'ran').exists()


def change(folder, edit):
    path = folder / 'config.json'
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


def test_files_that_a_config_names_elsewhere_are_not_read(saved):
    def edit(content):
        content['config']['model']['backbone']['pretrained'] = '/nowhere.pth'
        content['config']['data']['test'].update(label_embeddings='/nowhere.npy')

    change(saved, edit)
    from_pretrained(saved, 'cpu')


def other_head(content):
    content['labels'] = None
    content['config']['model']['cls_head']['num_classes'] = 4


@pytest.mark.parametrize(
    ('edit', 'said'),
    [
        (lambda c: c.update(format=2), 'its format is 2'),
        (lambda c: c.pop('format'), 'another kind of network'),
        (lambda c: c.update(labels='/etc/passwd'), 'labels: expected the names'),
        (lambda c: c['config'].update(model=[]), "expected 'model' and 'data'"),
        (lambda c: c['config']['model'].update(type='os.system'), "'os.system' is not a known"),
        (other_head, 'does not fit'),
        (lambda c: c['config']['model']['backbone'].update(num_stages='x'), 'can be built'),
        (lambda c: c['config']['model']['backbone'].update(base_channels=-1), 'can be built'),
    ],
    ids=['newer', 'other', 'labels', 'no model', 'unknown', 'other weights', 'text', 'negative'],
)
def test_a_spoilt_config_is_an_error_that_says_where(saved, edit, said):
    change(saved, edit)
    with pytest.raises(UserError, match=said) as caught:
        from_pretrained(saved, 'cpu')
    assert 'config.json' in str(caught.value) or 'model.safetensors' in str(caught.value)


def test_pickles_missing_and_oversized_files_are_refused(saved, monkeypatch):
    torch.save({'state_dict': {}}, saved / 'model.safetensors')
    with pytest.raises(CheckpointError, match='model.safetensors'):
        from_pretrained(saved, 'cpu')
    with open(saved / 'config.json', 'ab') as file:
        file.truncate(5 << 20)
    with pytest.raises(DataError, match='larger than 4 MiB'):
        from_pretrained(saved, 'cpu')
    (saved / 'config.json').unlink()
    with pytest.raises(DataError, match='config.json: no such file'):
        from_pretrained(saved, 'cpu')


# -- the hub, with a stand-in for its package ------------------------------------------------------


@pytest.fixture
def hub(monkeypatch, trained):
    """A stand-in for huggingface_hub that serves `net` as user/net; `calls` are noted."""
    net, calls = trained / 'net', []

    def model_info(name, revision=None, files_metadata=False):
        calls.append(('info', name, revision))
        if name != 'user/net':
            raise OSError('404, no such repository')
        files = [SimpleNamespace(rfilename=p.name, size=p.stat().st_size) for p in net.iterdir()]
        return SimpleNamespace(sha='c0ffee', siblings=files)

    def snapshot(name, **settings):
        calls.append(('snapshot', settings))
        return str(net)

    def upload(**settings):
        calls.append(('upload', settings))
        return SimpleNamespace(commit_url='https://hub/user/net/commit/1')

    stand_in = SimpleNamespace(
        constants=SimpleNamespace(HF_HUB_OFFLINE=False),
        model_info=model_info,
        snapshot_download=snapshot,
        create_repo=lambda name, **settings: calls.append(('create', name, settings)),
        upload_folder=upload,
    )
    monkeypatch.setattr(remote, '_library', lambda: stand_in)
    return SimpleNamespace(calls=calls, library=stand_in, folder=net)


FILES = ['config.json', 'model.safetensors', 'label_embeddings.npy']


def test_of_the_hub_only_a_networks_files_are_fetched(hub, trained):
    model = from_pretrained('user/net', 'cpu', revision='v1')
    assert answers(model, trained) == answers(from_pretrained(hub.folder, 'cpu'), trained)
    settings = dict(revision='v1', allow_patterns=FILES, local_files_only=False)
    assert hub.calls == [('info', 'user/net', 'v1'), ('snapshot', settings)]


def test_offline_only_what_is_here_is_looked_at(hub):
    hub.library.constants.HF_HUB_OFFLINE = True
    from_pretrained('user/net', 'cpu')
    settings = dict(revision=None, allow_patterns=FILES, local_files_only=True)
    assert hub.calls == [('snapshot', settings)]


def test_a_file_that_is_too_large_is_not_downloaded(hub, monkeypatch):
    info = hub.library.model_info('user/net')
    next(f for f in info.siblings if f.rfilename == 'model.safetensors').size = 5 << 30
    monkeypatch.setattr(hub.library, 'model_info', lambda *_, **__: info)
    hub.calls.clear()
    with pytest.raises(DataError, match='larger than 4096 MiB; not downloaded'):
        from_pretrained('user/net')
    assert hub.calls == []


@pytest.mark.parametrize('name', ['nowhere', '../user/net', 'user/net/x', 'user/-\n', '/user/net'])
def test_what_is_no_name_of_a_repository_is_not_asked_for(hub, name):
    with pytest.raises(DataError, match='no such folder'):
        from_pretrained(name)
    assert hub.calls == []


def test_a_hub_that_refuses_is_one_line(hub):
    with pytest.raises(UserError, match='user/other: is no folder here(.|\n)*404'):
        from_pretrained('user/other')


def test_a_folder_is_pushed_with_its_own_files_only(hub, saved):
    (saved / 'secret.txt').write_text('mine')
    assert push_to_hub(saved, 'user/net', private=True).endswith('commit/1')
    create, (_, sent) = hub.calls
    assert create == ('create', 'user/net', dict(private=True, exist_ok=True))
    assert sent['folder_path'] == saved and 'secret.txt' not in sent['allow_patterns']
    with pytest.raises(DataError, match='expected a folder'):
        push_to_hub(saved.parent, 'user/net')


def test_without_the_package_one_line_says_what_to_install(monkeypatch, saved):
    monkeypatch.setitem(sys.modules, 'huggingface_hub', None)
    for call in (lambda: from_pretrained('user/net'), lambda: push_to_hub(saved, 'user/net')):
        with pytest.raises(UserError, match=r'\.\[hub\]'):
            call()


def test_commands_write_the_folder_and_send_it(hub, trained, tmp_path, capsys):
    given = [trained / 'graph.py', '-C', trained / 'run' / 'latest.pth', '-o', tmp_path / 'net']
    words = [*map(str, given), '--card', '--licence', 'mit']
    tiny.script('export').main([*words, '--cfg-options', 'model.test_cfg.average_clips=score'])
    facts = json.loads((tmp_path / 'net' / 'config.json').read_text())
    assert facts['licence'] == 'mit'
    assert facts['config']['model']['test_cfg'] == {'average_clips': 'score'}
    tiny.script('push').main([str(tmp_path / 'net'), 'user/net'])
    assert capsys.readouterr().out.splitlines()[-1] == 'https://hub/user/net/commit/1'
    assert hub.calls[0][2] == dict(private=False, exist_ok=True)


@pytest.mark.parametrize('words', [['--licence', 'mit'], ['--card', '--fp16']])
def test_options_that_do_not_belong_together_are_refused(words):
    with pytest.raises(SystemExit):
        tiny.script('export').parse_args(['a.py', '-C', 'a.pth', '-o', 'a', *words])


# -- the package itself, and a hub on this machine -------------------------------------------------

COMMIT = 'c0ffee' * 6 + 'beef'


class Hub(BaseHTTPRequestHandler):
    """As much of the hub as a download asks for: what there is, and the files."""

    folder: Path

    def do_HEAD(self):  # noqa: N802 (the server's name)
        self.answer(with_body=False)

    def do_GET(self):  # noqa: N802
        self.answer(with_body=True)

    def answer(self, with_body):
        path = self.folder / self.path.partition('?')[0].rpartition('/')[2]
        files = [(p.name, p.stat().st_size) for p in self.folder.iterdir()]
        if '/tree/' in self.path:
            tree = [{'type': 'file', 'path': n, 'size': size, 'oid': n} for n, size in files]
            content = json.dumps(tree).encode()
        elif self.path.startswith('/api/'):
            listed = [{'rfilename': n, 'size': size, 'blobId': n} for n, size in files]
            content = json.dumps({'id': 'user/net', 'sha': COMMIT, 'siblings': listed}).encode()
        else:
            content = path.read_bytes()
        self.send_response(200)
        self.send_header('Content-Length', str(len(content)))
        self.send_header('ETag', f'"{path.name}"')
        self.send_header('X-Repo-Commit', COMMIT)
        self.end_headers()
        if with_body:
            self.wfile.write(content)

    def log_message(self, *words):
        pass


ASK = """
from pyskl.annotations import open_annotations
from pyskl.apis import inference_recognizer
from pyskl.hub import from_pretrained
clips = list(open_annotations({clips!r}))[:3]
print(inference_recognizer(from_pretrained('user/net', 'cpu'), clips, top_k=None))
"""


@pytest.mark.slow
def test_a_network_comes_from_a_hub_and_later_without_it(trained, tmp_path):
    pytest.importorskip('huggingface_hub', reason="needs pip install -e '.[hub]'")
    Hub.folder = trained / 'net'
    server = ThreadingHTTPServer(('127.0.0.1', 0), Hub)
    Thread(target=server.serve_forever, daemon=True).start()
    names = {'HF_ENDPOINT': f'http://127.0.0.1:{server.server_port}', 'HF_HOME': str(tmp_path)}
    command = [sys.executable, '-c', ASK.format(clips=str(trained / 'test.pkl'))]
    expected = str(answers(from_pretrained(trained / 'net', 'cpu'), trained))
    try:
        for offline in ('0', '1'):
            env = {**os.environ, **names, 'HF_HUB_OFFLINE': offline}
            done = subprocess.run(
                command, capture_output=True, text=True, cwd=tiny.ROOT, env=env, timeout=120
            )
            assert done.returncode == 0, done.stderr
            assert done.stdout.splitlines()[-1] == expected
            server.shutdown()
    finally:
        server.server_close()
    fetched = {path.name for path in tmp_path.rglob('snapshots/*/*')}
    assert fetched == {'config.json', 'model.safetensors'}
