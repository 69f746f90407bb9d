"""One clip at a time: a trained network in a few lines of one's own Python."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from ..datasets import Compose
from ..datasets.label_embeddings import load_label_embeddings
from ..datasets.loader import collate
from ..datasets.pipelines import PreNormalize2D, PreNormalize3D
from ..engine.batch import predict
from ..engine.checkpoint import load_weights, read_checkpoint
from ..engine.distributed import choose_device
from ..engine.tester import joint_scores
from ..errors import ConfigError, DataError
from ..inputs import lazy_inputs
from ..labels import IMIGUE_LABELS
from ..models import speed_up
from ..recipe import read_recipe
from .setup import build_recognizer, read_run, warn_of_other_input


def init_recognizer(
    config: str | os.PathLike | Any,
    checkpoint: str | os.PathLike | None = None,
    device: str | torch.device | None = None,
) -> torch.nn.Module:
    """A recognizer ready for inference_recognizer.

    config       path of a config file (or what pyskl.recipe.load_config gave)
    checkpoint   its weights; None leaves them random
    device       'cpu', 'cuda:0'; default: CUDA where there is one
    """
    recipe = (
        read_run(config, splits=('test',)).recipe
        if isinstance(config, (str, os.PathLike))
        else read_recipe(config, splits=('test',))
    )
    recipe.require('model', 'data.test')
    trained = None if checkpoint is None else read_checkpoint(checkpoint)
    model, _ = build_recognizer(recipe, None if trained is None else trained['state_dict'])
    if trained is not None:
        load_weights(model, trained['state_dict'], str(checkpoint))
        logger = logging.getLogger('pyskl')
        for note in trained['notes']:
            logger.info('%s: %s', checkpoint, note)
        warn_of_other_input(logger, model, recipe, trained['meta'], str(checkpoint))
    if model.needs_label_vectors:
        model.cls_head.learn_labels(
            None, load_label_embeddings(recipe.data.test.get('label_embeddings'))
        )
    model.cfg = recipe
    model.pipeline = Compose(recipe.data.test['pipeline'], where='data.test.pipeline')
    return speed_up(model.to(choose_device(None if device is None else str(device)))).eval()


def inference_recognizer(
    model: torch.nn.Module,
    keypoints: np.ndarray,
    img_shape: Sequence[int] | None,
    labels: Sequence[str] | None = None,
) -> list[tuple[str, float]]:
    """The five likeliest classes of one clip, (name, probability), likeliest first.

    model       from init_recognizer
    keypoints   (M, T, V, 3) of M people: in a picture x px, y px and a score 0..1; in space x, y, z. A missing joint
                is 0, 0, 0
    img_shape   (h, w) of the picture, pixels; None: the key points are in space
    labels      K class names; default: iMiGUE's when the model has 32 classes, else 'class k'
    raises      DataError when the shapes don't fit, or the test pipeline works on pictures and the clip is in space, or the
                other way round; ConfigError when the model gives features, or views apart
    """
    if model.cfg.gives_features or model.cfg.keeps_views_apart:
        raise ConfigError(
            f'{model.cfg.filename}: model.test_cfg: with feat_ext=True or '
            'average_clips=None a clip has no class scores. Leave them out here.'
        )
    batch = collate([test_sample(model, _annotation(model, keypoints, img_shape))])
    model.check_batch(batch, training=False)
    answers = predict(model, batch, next(model.parameters()).device)
    probabilities = joint_scores({name: scores.cpu().numpy() for name, scores in answers.items()})[
        0
    ]
    names = labels if labels is not None else _names(len(probabilities))
    best = np.argsort(-probabilities, kind='stable')[:5]
    return [(names[k], float(probabilities[k])) for k in best]


def _annotation(
    model: torch.nn.Module, keypoints: np.ndarray, img_shape: Sequence[int] | None
) -> dict[str, Any]:
    """One clip as an annotation file has it; see inference_recognizer."""
    keypoints = np.asarray(keypoints, dtype=np.float32)
    if keypoints.ndim != 4 or keypoints.shape[-1] != 3 or not keypoints.size:
        raise DataError(
            f'keypoints have shape {keypoints.shape}: expected (people, frames, joints, 3) with x, '
            'y, score, or x, y, z where img_shape is None.'
        )
    clip = {'frame_dir': 'clip', 'label': -1, 'total_frames': keypoints.shape[1]}
    step, in_space = _needs(model.pipeline)
    if img_shape is None:
        if step is not None and not in_space:
            raise DataError(
                f'img_shape = None says that the key points are x, y, z, but {step} of the test '
                'pipeline works on a picture. Expected x, y, score and img_shape=(height, width).'
            )
        return {**clip, 'keypoint': keypoints}
    if step is not None and in_space:
        raise DataError(
            f'img_shape = {tuple(img_shape)} says that the key points are x, y, score, but {step} of the '
            'test pipeline works on x, y, z. Expected x, y, z and img_shape=None.'
        )
    if len(img_shape) != 2 or min(img_shape) <= 0:
        raise DataError(f'img_shape = {img_shape}: expected (height, width) in pixels.')
    if (keypoints[..., 2] < 0).any():
        raise DataError(
            f'keypoints hold {keypoints[..., 2].min():g} as third number, where img_shape = '
            f'{tuple(img_shape)} says that it is a score. Expected 0..1; for x, y, z give img_shape=None.'
        )
    size = (int(img_shape[0]), int(img_shape[1]))
    return {
        **clip,
        'img_shape': size,
        'original_shape': size,
        'keypoint': keypoints[..., :2],
        'keypoint_score': keypoints[..., 2],
    }


def _needs(pipeline: Compose) -> tuple[str | None, bool]:
    """The first step that works on a picture only, or in space only, and whether it is in space.

    (None, False) where all steps take both.
    """
    for step in pipeline.steps:
        in_space = isinstance(step, PreNormalize3D)
        in_picture = {'keypoint', 'img_shape'} <= set(getattr(step, 'needs', ()))
        if in_space or in_picture or isinstance(step, PreNormalize2D):
            return type(step).__name__, in_space
    return None, False


def test_sample(model: torch.nn.Module, annotation: Mapping[str, Any]) -> dict[str, Any]:
    """Pass a clip through the test pipeline of a model from init_recognizer.

    A sample, as loaders collate them.
    """
    clip = {
        **annotation,
        'start_index': 0,
        'modality': 'Pose',
        'test_mode': True,
        'emb': np.zeros(model.cls_head.emb_dim, np.float32),
    }
    return lazy_inputs(model.pipeline(clip, lazy=True))


test_sample.__test__ = False  # not a test function, whatever its name tells pytest


def _names(num_classes: int) -> Sequence[str]:
    return (
        IMIGUE_LABELS
        if num_classes == len(IMIGUE_LABELS)
        else [f'class {k}' for k in range(num_classes)]
    )
