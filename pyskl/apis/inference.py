"""One clip at a time: a trained network in a few lines of one's own Python."""
from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ..datasets import Compose
from ..datasets.label_embeddings import load_label_embeddings
from ..engine.checkpoint import load_weights, read_checkpoint
from ..engine.distributed import choose_device
from ..errors import DataError
from ..labels import IMIGUE_LABELS
from ..models import build_model, speed_up
from ..recipe import read_recipe
from .setup import read_run


def init_recognizer(config: str | os.PathLike | Any, checkpoint: str | os.PathLike | None = None,
                    device: str | torch.device | None = None) -> torch.nn.Module:
    """A recognizer ready for inference_recognizer.

    config       path of a config file (or what pyskl.recipe.load_config gave)
    checkpoint   its weights; None leaves them random
    device       'cpu', 'cuda:0'; default: CUDA where there is one
    """
    recipe = read_run(config).recipe if isinstance(config, (str, os.PathLike)) else read_recipe(config)
    recipe.require('model', 'data.test')
    model = build_model(recipe.model)
    if checkpoint is not None:
        load_weights(model, read_checkpoint(checkpoint)['state_dict'], str(checkpoint))
    if getattr(getattr(model, 'test_cfg', None), 'semantic_weight', 0) > 0:
        model.cls_head.learn_labels(None, load_label_embeddings(recipe.data.test.get('label_embeddings')))
    model.cfg = recipe
    model.pipeline = Compose(recipe.data.test['pipeline'], where='data.test.pipeline')
    return speed_up(model.to(choose_device(None if device is None else str(device)))).eval()


def inference_recognizer(model: torch.nn.Module, keypoints: np.ndarray, img_shape: Sequence[int],
                         labels: Sequence[str] | None = None) -> list[tuple[str, float]]:
    """The five likeliest classes of one clip, (name, probability), likeliest first.

    model       from init_recognizer
    keypoints   (M, T, V, 3): x px, y px, score 0..1 of M people; a missing joint is 0, 0, 0
    img_shape   (h, w) of the picture, pixels
    labels      K class names; default: iMiGUE's when the model has 32 classes, else 'class k'
    raises      DataError when the shapes don't fit
    """
    keypoints = np.asarray(keypoints, dtype=np.float32)
    if keypoints.ndim != 4 or keypoints.shape[-1] != 3 or not keypoints.size:
        raise DataError(f'keypoints have shape {keypoints.shape}: expected (people, frames, joints, 3) with x, y, score.')
    if len(img_shape) != 2 or min(img_shape) <= 0:
        raise DataError(f'img_shape = {img_shape}: expected (height, width) in pixels.')
    size = (int(img_shape[0]), int(img_shape[1]))
    sample = {'frame_dir': 'clip', 'label': -1, 'img_shape': size, 'original_shape': size, 'total_frames': keypoints.shape[1],
              'keypoint': keypoints[..., :2], 'keypoint_score': keypoints[..., 2], 'start_index': 0, 'modality': 'Pose',
              'test_mode': True, 'emb': np.zeros(getattr(model.cls_head, 'emb_dim', 1), np.float32)}
    imgs = model.pipeline(sample, deferred=model.pipeline.can_defer)['imgs']
    if torch.is_tensor(imgs):
        imgs = imgs[None]
    with torch.inference_mode():
        probabilities = model.predict(imgs)[0].float().cpu().numpy()
    names = labels if labels is not None else _names(len(probabilities))
    best = np.argsort(-probabilities, kind='stable')[:5]
    return [(names[k], float(probabilities[k])) for k in best]


def _names(num_classes: int) -> Sequence[str]:
    return IMIGUE_LABELS if num_classes == len(IMIGUE_LABELS) else [f'class {k}' for k in range(num_classes)]
