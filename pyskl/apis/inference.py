"""Load a trained network and recognise clips in a few lines of Python."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, cast

import numpy as np
import torch

from ..datasets import Compose
from ..datasets.label_embeddings import load_label_embeddings
from ..datasets.loader import collate
from ..datasets.pipelines import GeneratePoseTarget
from ..datasets.pipelines.compose import FROM_DATASET
from ..datasets.video_checks import needs_length
from ..engine.batch import predict
from ..engine.checkpoint import load_weights, read_checkpoint
from ..engine.distributed import choose_device
from ..engine.tester import joint_scores
from ..errors import ConfigError
from ..inference.answers import AnswerOptions, answers
from ..inference.videos import located
from ..inputs import Input, lazy_inputs
from ..labels import Labels
from ..models import speed_up
from ..recipe import read_recipe
from .layouts import with_stored_layouts
from .names import layout_names_of, of_config
from .setup import build_recognizer, read_run, warn_of_other_input
from .trained import TrainedRecognizer
from .wanted import wanted_of


def init_recognizer(
    config: str | os.PathLike | Any,
    checkpoint: str | os.PathLike | None = None,
    device: str | torch.device | None = None,
) -> TrainedRecognizer:
    """Load a recognizer for inference_recognizer.

    Args:
        config: path of a config file, or a config from pyskl.recipe.load_config.
        checkpoint: file of its weights; None leaves them random.
        device: 'cpu', 'cuda:0' ...; by default CUDA if available.
    """
    # The recipe, with the layouts of the checkpoint.
    is_file = isinstance(config, (str, os.PathLike))
    splits = ('test',)
    recipe = (
        read_run(config, splits=splits).recipe if is_file else read_recipe(config, splits=splits)
    )
    recipe.require('model', 'data.test')
    trained = {} if checkpoint is None else read_checkpoint(checkpoint)
    weights, meta = trained.get('state_dict'), trained.get('meta', {})
    logger = logging.getLogger('pyskl')
    if checkpoint is not None:
        recipe, notes = with_stored_layouts(recipe, meta, str(checkpoint))
        for note in notes:
            logger.warning('%s', note)

    # The network with its weights.
    test_data = recipe.data.test or {}
    model = cast(TrainedRecognizer, build_recognizer(recipe, weights)[0])
    if weights is not None:
        load_weights(model, weights, str(checkpoint))
        for note in trained['notes']:
            logger.info('%s: %s', checkpoint, note)
        warn_of_other_input(logger, model, recipe, meta, str(checkpoint))
    if model.needs_label_vectors:
        model.cls_head.learn_labels(None, load_label_embeddings(test_data.get('label_embeddings')))

    # What inference needs to know.
    names = meta.get('label_names')  # a str would be read as the name of a file
    named = names if isinstance(names, (list, tuple)) else None
    model.label_sources = (of_config(recipe), (f'{checkpoint}: meta', named))
    model.layouts = layout_names_of(recipe, meta)
    model.cfg, model.told = recipe, set()
    entries = (*FROM_DATASET, 'array')
    model.pipeline = Compose(test_data['pipeline'], 'data.test.pipeline', entries=entries)
    model.wanted = wanted_of(model)
    model = model.to(choose_device(None if device is None else str(device)))
    return speed_up(model).eval()


def inference_recognizer(
    model: TrainedRecognizer,
    clip: Any,
    img_shape: Sequence[int] | None = None,
    labels: Labels | None = None,
    *,
    top_k: int | None = 5,
    views: Literal[1, 'all'] = 'all',
    people: Literal['together', 'apart'] = 'together',
    indices: bool = False,
) -> list:
    """Return the most likely classes of a clip, or of several, as (name, probability).

    One clip has one answer, a list of pairs, the most likely class first; it is empty where the
    clip shows nobody. A list or a file of clips has a list of answers in the same order.

    Args:
        model: from init_recognizer.
        clip: one of
            - key points (M, T, V, 3) of M people: in a picture x px, y px and a score 0..1; in
              space x, y, z. (M, T, V, 2) are x, y of joints that are all seen, (T, V, 2 or 3) is
              one person. A missing joint is zeros or NaN;
            - an annotation: a dict with at least `keypoint`, as annotation files hold them;
            - the path of an .npy file of such key points, or of an .npz file with the fields of one
              annotation (keypoint, keypoint_score, img_shape);
            - the path of an annotation file, pickled or packed, or the result of open_annotations:
              all its clips;
            - for a network on pictures: the path of a video, (T, H, W, 3) bytes in RGB, the path of
              an .npy file of these, a dict with `filename` or `array` (and start_frame, end_frame
              for a part of a video), or the path of a list of videos (data sets' ann_file);
            - for a network on pictures and key points: an annotation with `filename` or `array`
              beside its `keypoint`;
            - a list of these.
        img_shape: (h, w) of the picture in pixels, or (h, w, channels); None if the clip has it, or
            its key points are in space.
        labels: K class names, a text file of them, or a known name (labels.KNOWN_LABELS). By
            default those of the config (`labels`), of the checkpoint, or of the clips' file; else
            'class k'.
        top_k: how many classes; None for all.
        views: 'all' averages the views of the test pipeline; 1 takes only the middle one, which is
            that many times faster.
        people: 'together' shows the network everybody at once, as in training; 'apart' gives a list
            of answers for a clip, one for each person.
        indices: whether to return (class index, probability), as PYSKL does.

    Raises:
        DataError: the clip does not fit the network: its shape, its number of joints, key points in
            space for a pipeline on pictures, or the other way round; the number of names is wrong.
        ConfigError: the model gives features, or separate views; an unknown argument.
    """
    if model.cfg.gives_features or model.cfg.keeps_views_apart:
        raise ConfigError(
            f'{model.cfg.filename}: model.test_cfg: with feat_ext=True or '
            'average_clips=None a clip has no class scores. Remove them here.'
        )
    how = AnswerOptions(labels, top_k, views, people, indices)
    return answers(model, clip, img_shape, how, lambda rows: class_scores(model, rows, views))


def class_scores(
    model: TrainedRecognizer, clips: Sequence[Mapping[str, Any]], views: Literal[1, 'all']
) -> Iterator[np.ndarray]:
    """Yield the class scores (K,) of each clip, computed in batches of the test loader's size."""
    size = model.cfg.data.loader('test').videos_per_gpu
    for start in range(0, len(clips), size):
        samples = [test_sample(model, clip) for clip in clips[start : start + size]]
        if views == 1:
            samples = [middle_view(model, sample) for sample in samples]
        batch = collate(samples)
        model.check_batch(batch, training=False)
        found = predict(model, batch, next(model.parameters()).device)
        yield from joint_scores({name: scores.cpu().numpy() for name, scores in found.items()})


def middle_view(model: TrainedRecognizer, sample: Mapping[str, Any]) -> dict[str, Any]:
    """Return a sample with one view of each entry that the network takes: the middle one.

    Mirrored copies, which follow the S plain views of an entry, do not count.
    """
    steps = model.pipeline.steps
    mirrored = any(isinstance(step, GeneratePoseTarget) and step.spec.double for step in steps)
    reduced = dict(sample)
    for name in sample.keys() & set(model.takes):
        views = sample[name]
        is_input = isinstance(views, Input)
        num_views = views.shape[1] if is_input else len(views)
        middle = (num_views // 2 if mirrored else num_views) // 2
        reduced[name] = views.view(middle) if is_input else views[middle : middle + 1]
    return reduced


def test_sample(model: TrainedRecognizer, annotation: Mapping[str, Any]) -> dict[str, Any]:
    """Pass a clip through the test pipeline of a model; the result can be collated."""
    pictures = model.wanted.pictures
    place = {}
    if pictures != 'no':
        prefix = (model.cfg.data.test or {}).get('data_prefix')
        place = located(annotation, prefix, needs_length(model.pipeline.steps))
    clip = {
        **annotation,
        **place,
        'start_index': 0,
        'modality': 'RGB' if pictures == 'alone' else 'Pose',
        'test_mode': True,
        'emb': np.zeros(model.cls_head.emb_dim, np.float32),
    }
    return lazy_inputs(model.pipeline(clip, lazy=True))


test_sample.__test__ = False  # type: ignore[attr-defined]  # for pytest: not a test
