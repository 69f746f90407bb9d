"""ProtoGCN's 36 shipped configs against the published ones."""

from __future__ import annotations

import csv
import json

from config_files import CONFIGS, composed, recipe, splits_of, steps
from goldens import GOLDEN, needs_golden


@needs_golden
def test_protogcns_36_configs_have_the_published_settings():
    with open(GOLDEN / 'cnn' / 'proto_configs.tsv') as file:
        rows = list(csv.DictReader(file, delimiter='\t'))
    assert len(rows) == 36
    for row in rows:
        found = recipe(CONFIGS / 'protogcn' / f'{row["config"]}.py')
        head = found.model['cls_head']
        ours = (found.model['backbone']['num_prototype'], head['weight'], head['num_classes'])
        assert ours == (int(row['num_prototype']), float(row['weight']), int(row['classes']))
        assert head['joint_cfg'] == row['joint_cfg']
        assert found.model['backbone']['graph_cfg']['layout'] == row['joint_cfg']
        ours = (found.optimizer['lr'], found.data.videos_per_gpu, found.total_epochs)
        assert ours == (float(row['lr']), int(row['videos_per_gpu']), int(row['epochs']))
        stages = row['train stages'].split('; ')
        pipeline = splits_of(found)['train']['pipeline']
        assert [step['type'] for step in pipeline][:-2] == [s.split('{')[0] for s in stages]


@needs_golden
def test_protogcns_108_pipelines_are_the_published_ones():
    known = json.loads((GOLDEN / 'cnn' / 'proto.json').read_text())['pipelines']
    used = {name: told['stages'] for told in known.values() for name in told['used_by']}
    assert len(used) == 108
    for name, stages in used.items():
        path, split = name.split(':')
        part = splits_of(recipe(CONFIGS / 'protogcn' / f'{path}.py'))[split]
        assert composed(part['pipeline']) == composed(steps(*map(tuple, stages)))


def test_kinetics_boxes_are_chosen_as_published():
    found = splits_of(recipe(CONFIGS / 'protogcn' / 'k400' / 'j.py'))
    boxes = {name: (part['box_thr'], part.get('valid_ratio')) for name, part in found.items()}
    assert boxes == {'train': (0.5, 0.0), 'val': (0.5, None), 'test': (0.5, None)}
