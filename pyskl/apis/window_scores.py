"""Class scores of windows by one trained network."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from ..datasets import Compose
from ..datasets.loader import collate
from ..engine.batch import predict
from ..errors import CheckpointError, ConfigError
from ..inputs import lazy_inputs
from ..models.recognizers.recognizer_gcn import RecognizerGCN
from ..models.recognizers.views import ViewRecognizer
from ..spotting.sampling import sampling_fault, window_pipeline
from ..wording import plain
from .trained import TrainedRecognizer

GRAPH_VIEWS = {'cpu': 32, 'cuda': 512}  # windows that pass a graph network at once


def spotting_fault(model: TrainedRecognizer) -> str | None:
    """Return why a model cannot answer for windows of key points; None if it can."""
    if not isinstance(model, ViewRecognizer):
        return (
            f'{type(model).__name__} has no scores for each view. Expected a recognizer with one '
            'input (Recognizer3D, RecognizerGCN).'
        )
    if model.wanted.pictures != 'no':
        return (
            'its network sees pictures, and spotting takes key points alone. tools/predict.py '
            'answers for windows of a video.'
        )
    test_cfg = model.test_cfg
    if test_cfg.feat_ext or getattr(test_cfg, 'gives_cells', False) or test_cfg.in_probabilities:
        return (
            'model.test_cfg: with feat_ext, score_ext, semantic_weight or classes there are no '
            'class scores for each view. Leave them out here.'
        )
    return sampling_fault(model.pipeline)


def for_windows(model: TrainedRecognizer) -> tuple[TrainedRecognizer, Compose]:
    """Return a model of the same weights that answers for each view, and its pipeline for windows.

    Raises:
        ConfigError: it has a `spotting_fault`.
    """
    fault = spotting_fault(model)
    if fault is not None:
        raise ConfigError(f'{model.cfg.filename}: {fault}')
    max_views = model.test_cfg.max_testing_views
    if max_views is None and isinstance(model, RecognizerGCN):
        max_views = GRAPH_VIEWS.get(model.target.device.type, GRAPH_VIEWS['cpu'])
    prepared = copy.copy(model)
    prepared.test_cfg = replace(model.test_cfg, average_clips=None, max_testing_views=max_views)
    return prepared, window_pipeline(model.pipeline, f'{model.cfg.filename}: data.test.pipeline')


def window_probs(
    model: TrainedRecognizer, pipeline: Compose, clip: Mapping[str, Any], spans: np.ndarray
) -> np.ndarray:
    """Pass windows (S, 2) of a clip through a model, as the views of one sample.

    Args:
        model: from for_windows.
        pipeline: from for_windows, too.
        clip: an annotation.
        spans: first frame, and the frame after the last, of each window.

    Returns:
        (S, K) float32 probabilities.

    Raises:
        CheckpointError: the network answers NaN or infinity.
    """
    results = {
        **clip,
        'windows': spans,
        'start_index': 0,
        'modality': 'Pose',
        'test_mode': True,
        'emb': np.zeros(model.cls_head.emb_dim, np.float32),
    }
    batch = collate([lazy_inputs(pipeline(results, lazy=True))])
    model.check_batch(batch, training=False)
    answers = predict(model, batch, model.target.device)  # (1, F * S, K) each, F flips
    logits = torch.cat([*answers.values()])  # (A, F * S, K) of A answers, mostly one
    if not logits.isfinite().all():
        raise CheckpointError(
            f'{model.cfg.filename}: the network answers {plain(clip["frame_dir"])} with NaN or '
            'infinity. Expected numbers: did its training diverge? Take an earlier checkpoint.'
        )
    probs = logits.sigmoid() if model.cls_head.multi_class else logits.softmax(-1)
    by_flip = probs.mean(0).unflatten(0, (-1, len(spans)))  # (F, S, K)
    return by_flip.mean(0).cpu().numpy()
