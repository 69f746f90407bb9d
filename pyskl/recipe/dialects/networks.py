"""MMAction2's models, translated to PYSKL's names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .translation_log import ANY, Idle, TranslationLog, all_ones, kind_of

# Old name -> the name here.
_TYPES = {'SkeletonGCN': 'RecognizerGCN', 'STGCNHead': 'GCNHead'}
_LAYOUTS = {'ntu-rgb+d': 'nturgb+d', 'ntu_edge': 'nturgb+d'}

_IDLE_IN_3D: Idle = {
    'dilations': all_ones,
    'with_pool2': False,
    'with_pool1': True,
    'lateral': False,
    'non_local': lambda value: not any(value) if isinstance(value, (list, tuple)) else not value,
    'init_cfg': None,
}
_IDLE_IN_HEAD: Idle = {
    'spatial_type': 'avg',
    'temporal_type': 'avg',
    'consensus': ANY,
    'num_person': ANY,
    'init_cfg': None,
}
_STRIDES = {'conv1_stride': (1, 2), 'pool1_stride': (1, 2)}  # the defaults in both toolboxes
_PATHWAYS = {
    'ResNet3dSlowFast': ('slow_pathway', 'fast_pathway'),
    'RGBPoseConv3D': ('rgb_pathway', 'pose_pathway'),
}
_IDLE_IN_PATHWAY: Idle = {
    **{name: idle for name, idle in _IDLE_IN_3D.items() if name != 'lateral'},
    'type': 'resnet3d',
    'with_pool2': ANY,  # these networks never had it
    'lateral_norm': False,
}
_FUSION_KERNEL = 5  # MMAction2's default


def has_mmaction_names(backbone: Any) -> bool:
    """Return whether a 3D network has MMAction2's names."""
    kind = kind_of(backbone) or ''
    if kind not in ('ResNet3d', 'ResNet3dSlowOnly', *_PATHWAYS):
        return False
    names = {*_IDLE_IN_3D, *(f'{name}_{axis}' for name in _STRIDES for axis in 'st')}
    names -= {'init_cfg', 'lateral'}
    pathways = [backbone.get(name) for name in _PATHWAYS.get(kind, ())]
    return not (names | {'lateral'}).isdisjoint(backbone) or any(
        isinstance(pathway, Mapping) and not (names | {'type'}).isdisjoint(pathway)
        for pathway in pathways
    )


def translate_model(model: Any, log: TranslationLog) -> Any:
    """Translate `model`, except its data_preprocessor, which mmaction1 handles.

    What is no dict stays, for the checks to report.
    """
    if not isinstance(model, Mapping):
        return model
    model = log.without_idle(model, {'init_cfg': None}, 'model', 'Give pretrained=FILE.')
    is_graph_of_0x = model.get('type') == 'SkeletonGCN'
    if kind_of(model) in _TYPES:
        model['type'] = _TYPES[model['type']]
    if isinstance(model.get('backbone'), Mapping):
        model['backbone'] = _backbone(dict(model['backbone']), is_graph_of_0x, log)
    if isinstance(model.get('cls_head'), Mapping):
        head = dict(model['cls_head'])
        if 'average_clips' in head:
            test_cfg = model.get('test_cfg') if isinstance(model.get('test_cfg'), Mapping) else {}
            model['test_cfg'] = {**test_cfg, 'average_clips': head.pop('average_clips')}
        model['cls_head'] = _head(head, log)
    return model


def _head(head: dict[str, Any], log: TranslationLog) -> dict[str, Any]:
    if kind_of(head) in _TYPES:
        head['type'] = _TYPES[head['type']]
    if 'dropout_ratio' in head:
        head['dropout'] = head.pop('dropout_ratio')
    return log.without_idle(
        head, _IDLE_IN_HEAD, 'model.cls_head', 'The heads here average over space and time.'
    )


def _backbone(
    backbone: dict[str, Any], is_graph_of_0x: bool, log: TranslationLog
) -> dict[str, Any]:
    kind = backbone.get('type')
    if kind in ('ResNet3d', 'ResNet3dSlowOnly'):
        return log.without_idle(
            _with_strides(backbone), _IDLE_IN_3D, 'model.backbone', 'Leave it out, and train anew.'
        )
    if kind in _PATHWAYS:
        for name in _PATHWAYS[kind]:
            if isinstance(backbone.get(name), Mapping):
                backbone[name] = _pathway(backbone[name], f'model.backbone.{name}', log)
        return log.without_idle(
            backbone, {'init_cfg': None}, 'model.backbone', 'Give pretrained=FILE.'
        )
    if kind == 'C3D':
        log.cannot(
            "model.backbone.type = 'C3D'",
            "of MMAction2 has max pooling and fully connected layers, PYSKL's C3D has neither. "
            "Write PYSKL's arguments (base_channels, num_stages, temporal_downsample), and train "
            'anew.',
        )
    if kind == 'AGCN':
        log.cannot(
            "model.backbone.type = 'AGCN'",
            'of MMAction2 0.x, whose attention is a softmax, is not available. '
            "Write type='AAGCN' with gcn_attention=False, as 2s-agcn is in MMAction2 1.x, and "
            'train anew.',
        )
    return _graph_of_0x(backbone, log) if is_graph_of_0x else backbone


def _with_strides(backbone: Mapping[str, Any]) -> dict[str, Any]:
    """Join MMAction2's strides over frames and over pixels to pairs."""
    backbone = dict(backbone)
    for name, default in _STRIDES.items():
        given = [backbone.pop(f'{name}_{axis}', None) for axis in 'ts']
        if given != [None, None]:
            backbone[name] = tuple(d if g is None else g for g, d in zip(given, default))
    return backbone


def _pathway(pathway: Mapping[str, Any], place: str, log: TranslationLog) -> dict[str, Any]:
    pathway = log.without_idle(
        _with_strides(pathway), _IDLE_IN_PATHWAY, place, 'Leave it out, and train anew.'
    )
    return {'fusion_kernel': _FUSION_KERNEL, **pathway} if pathway.get('lateral') else pathway


def _graph_of_0x(backbone: dict[str, Any], log: TranslationLog) -> dict[str, Any]:
    weighs = backbone.pop('edge_importance_weighting', True)
    backbone['gcn_adaptive'] = 'importance' if weighs else None
    backbone = log.without_idle(
        backbone, {'data_bn': True, 'init_cfg': None}, 'model.backbone', 'Leave it out.'
    )
    graph = backbone.get('graph_cfg')
    if isinstance(graph, Mapping):
        graph = dict(graph)
        strategy = graph.pop('strategy', 'uniform')
        if strategy not in ('spatial', 'agcn'):
            log.cannot(
                f'model.backbone.graph_cfg.strategy = {strategy!r}',
                "is not available. Write mode='stgcn_spatial', and train anew.",
            )
        layout = graph.get('layout', 'openpose')
        if isinstance(layout, str):
            graph['layout'] = _LAYOUTS.get(layout, layout)
        backbone['graph_cfg'] = {**graph, 'mode': 'stgcn_spatial'}
        log.note(
            f"the edges of MMAction2 0.x's layout {layout!r} differ from those here; its "
            'checkpoints contain their own graph.'
        )
    return backbone
