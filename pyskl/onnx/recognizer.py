"""Answers of an exported network, by numpy and onnxruntime."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any, Literal

import numpy as np

from ..datasets.pipelines.base import picture_size
from ..datasets.video_checks import needs_length
from ..errors import DataError, UserError
from ..files.libraries import imported
from ..files.texts import read_bytes
from ..inference.answers import AnswerOptions, answers
from ..inference.videos import located
from ..labels import Labels
from ..wording import brief, plain
from .about import KEY, GraphAbout

Feeds = dict[str, np.ndarray]

# How many views pass a graph together: of key points, and of heatmaps or frames.
VIEWS_AT_ONCE, VOLUMES_AT_ONCE = 16, 4

# The axes of inputs with one entry a sample, for messages.
AXES = {
    'keypoint': 'clips, samples, people, frames, joints, channels',
    'imgs': 'clips, samples, frames (not for 2-D networks), height, width, colours',
}
MAX_BYTES = 2 << 30  # the largest ONNX file that holds its weights
ONNX_LIMIT = 'ONNX files with their weights are not larger.'


def library(name: str) -> ModuleType:
    """Import onnx, onnxscript or onnxruntime.

    Raises:
        UserError: it is missing; the message says what to install.
    """
    advice = "Install what ONNX files need: pip install -c constraints.txt -e '.[onnx]'"
    return imported(name, advice)


class GraphRecognizer:
    """A graph from key points or frames to probabilities, and the pipeline steps before it.

    Attributes:
        about: the description of the network.
        wanted, label_sources, layouts, told: see inference.answers.

    Args:
        about: the description of the network.
        file: its name, for messages.
        run: runs the graph: from arrays by input name to (B, K) probabilities of each answer.
        shapes: the shape of each input; an axis of variable length is not an int.

    Raises:
        DataError: the description or the inputs are wrong.
    """

    label_sources: Sequence[tuple[str, Labels | None]]

    def __init__(
        self,
        about: GraphAbout,
        file: str,
        run: Callable[[Feeds], Sequence[np.ndarray]],
        shapes: Mapping[str, Sequence[Any]],
    ):
        self.about, self.wanted, self.told = about, about.wanted(file), set[str]()
        self.label_sources = ((f'{file}: label_names', about.label_names),)
        self.layouts = set(about.layouts)
        self._file, self._run, self._shapes = file, run, shapes
        self._sample_inputs = [name for name in AXES if name in shapes]
        if not self._sample_inputs:
            raise DataError(
                f'{file}: its graph takes {", ".join(shapes) or "nothing"}; expected '
                f'{" or ".join(AXES)}. Export it again.'
            )
        self._steps = about.build_steps(file)

    def __call__(
        self,
        clip: Any,
        img_shape: Sequence[int] | None = None,
        labels: Labels | None = None,
        *,
        top_k: int | None = 5,
        views: Literal[1, 'all'] = 'all',
        people: Literal['together', 'apart'] = 'together',
        indices: bool = False,
    ) -> list:
        """Return (name, probability) of the likeliest classes of a clip, or of several clips.

        Arguments, answers and errors are those of `pyskl.apis.inference_recognizer`.
        """
        how = AnswerOptions(labels, top_k, views, people, indices)
        return answers(self, clip, img_shape, how, lambda rows: self.class_scores(rows, views))

    def class_scores(
        self, clips: Sequence[Mapping[str, Any]], views: Literal[1, 'all'] = 'all'
    ) -> Iterator[np.ndarray]:
        """Yield the class probabilities (K,) float32 of each clip, the mean of several answers.

        Args:
            clips: annotations, as inference.clips gives them.
            views: 'all', or 1 for the one in the middle.
        """
        for clip in clips:
            yield self.answers_of(clip, views).mean(0)

    def answers_of(self, clip: Mapping[str, Any], views: Literal[1, 'all'] = 'all') -> np.ndarray:
        """Return the class probabilities of a clip, of each answer of the network.

        Args:
            clip: an annotation, as inference.clips gives it.
            views: 'all', or 1 for the one in the middle.

        Returns:
            (A, K) float32 of A answers.
        """
        feeds = self.feeds(clip)
        pieces = self._pieces(feeds, views)
        answers, weights = zip(*((self._answer(part, clip), number) for part, number in pieces))
        return np.average(np.asarray(answers, np.float64), 0, weights).astype(np.float32)

    def feeds(self, clip: Mapping[str, Any]) -> Feeds:
        """Return the graph's inputs for a clip, except `views`.

        Raises:
            DataError: the clip does not fit the steps before the graph.
        """
        try:
            results = self._prepared(clip)
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise DataError(
                f'{self._file}: the steps before its graph do not fit together, or not to clip '
                f'{plain(clip.get("frame_dir"))} ({brief(str(error))}).'
            ) from None
        feeds = {name: results[name][None] for name in self._sample_inputs}
        if 'img_shape' in self._shapes:
            feeds['img_shape'] = np.array([picture_size(results)], np.int64)
        return feeds

    def _prepared(self, clip: Mapping[str, Any]) -> dict[str, Any]:
        """Pass a clip through the steps; its key points and frames become (S, ...)."""
        pictures = self.about.pictures
        modality = 'RGB' if pictures == 'alone' else 'Pose'
        results = {**clip, 'start_index': 0, 'modality': modality, 'test_mode': True}
        if pictures != 'no':
            results |= located(clip, None, needs_length(self._steps))
        for step in self._steps:
            self._check_picture(step.needs, results)
            results = step(results)
        if 'img_shape' in self._shapes:
            self._check_picture(('img_shape',), results)
        if self.about.draws:
            results['keypoint'] = self._by_sample(results)
        if 'imgs' in self._shapes:
            results['imgs'] = self._frames(results)
        return results

    def _frames(self, results: Mapping[str, Any]) -> np.ndarray:
        """Return uint8 frames (S, T, H, W, 3), for a 2-D network (S, H, W, 3)."""
        frames = np.stack(results['imgs'])
        if len(self._shapes['imgs']) == 5:  # with the axis of clips
            return frames
        clip_len = results['clip_len']
        clip_len = clip_len['RGB'] if isinstance(clip_len, Mapping) else clip_len
        return frames.reshape(-1, clip_len, *frames.shape[1:])

    def _check_picture(self, needs: Sequence[str], results: Mapping[str, Any]) -> None:
        """Raise DataError if the size of the picture is needed and the clip has none."""
        if 'img_shape' in needs and 'img_shape' not in results:
            raise DataError(
                f'clip {plain(results.get("frame_dir"))}: has no img_shape, the (height, width) of '
                f'its picture, which the network of {self._file} needs.'
            )

    def _by_sample(self, results: dict[str, Any]) -> np.ndarray:
        """Return sampled key points (M, S * T, V, 2) and their scores as (S, M, T, V, 3)."""
        if results['keypoint'].shape[-1] != 2:
            raise DataError(
                f'clip {plain(results.get("frame_dir"))}: keypoint has shape '
                f'{results["keypoint"].shape}; expected x and y in pixels.'
            )
        score = results.get('keypoint_score')
        if score is None:
            score = np.ones(results['keypoint'].shape[:3], np.float32)
        joined = np.concatenate([results['keypoint'], score[..., None]], -1).astype(np.float32)
        people, frames, *joint = joined.shape
        samples = results['num_clips']
        by_sample = joined.reshape(people, samples, frames // samples, *joint)
        return np.ascontiguousarray(by_sample.swapaxes(0, 1))

    def _pieces(self, feeds: Feeds, views: Literal[1, 'all']) -> Iterator[tuple[Feeds, int]]:
        """Yield inputs with a few views each, and the weight of their answer in the mean."""
        by_sample = self._sample_inputs
        samples = feeds[by_sample[0]].shape[1]
        total = samples * 2 if self.about.mirrors else samples
        chosen = np.arange(total) if views == 'all' else np.array([samples // 2])
        for part in self._split(chosen):
            takes_numbers = 'views' in self._shapes
            own = {'views': part} if takes_numbers else {n: feeds[n][:, part] for n in by_sample}
            yield {**feeds, **own}, len(part)

    def _split(self, views: np.ndarray) -> list[np.ndarray]:
        """Split views into parts that pass the graph together."""
        if self.about.segments != 1:
            number = min(self.about.segments or len(views), len(views))
        elif 'imgs' in self._shapes or self.about.draws:
            number = VOLUMES_AT_ONCE
        else:
            number = VIEWS_AT_ONCE
        return [views[start : start + number] for start in range(0, len(views), number)]

    def _answer(self, feeds: Feeds, clip: Mapping[str, Any]) -> np.ndarray:
        """Run the graph for one clip, and return (A, K) probabilities of its A answers."""
        for name in self._sample_inputs:
            self._check_shape(name, feeds[name].shape, clip)
        answers = [np.asarray(answer) for answer in self._run(feeds)]
        for answer in answers:
            if answer.shape != (1, self.about.num_classes):
                raise DataError(
                    f'{self._file}: its graph gives an array of shape {answer.shape}, expected '
                    f'(1, {self.about.num_classes}). Export it again.'
                )
        return np.concatenate(answers)

    def _check_shape(self, name: str, shape: tuple[int, ...], clip: Mapping[str, Any]) -> None:
        """Raise DataError unless an array of this shape fits the graph's input."""
        wanted = self._shapes[name]
        fits = len(shape) == len(wanted) and all(
            not isinstance(there, int) or there == given for there, given in zip(wanted, shape)
        )
        if not fits:
            sizes = ', '.join(str(n) if isinstance(n, int) else 'any' for n in wanted)
            raise DataError(
                f'clip {plain(clip.get("frame_dir"))}: gives {name} of shape {shape}, but the '
                f'network of {self._file} takes ({sizes}): {AXES[name]}.'
            )


class OnnxRecognizer(GraphRecognizer):
    """A network in an ONNX file of tools/export.py, to be called like `inference_recognizer`.

        recognise = OnnxRecognizer('joint.onnx')
        recognise(keypoint, img_shape=(480, 640))  # [('Touching ears', 0.61), ...]

    Args:
        file: the path.
        providers: onnxruntime's execution providers, e.g. ['CUDAExecutionProvider'].
        threads: CPU threads; None: as many as onnxruntime chooses.
        content: the file's content, if the file is not written yet.

    Raises:
        UserError: onnxruntime or a provider is not installed.
        DataError: the file cannot be read, or tools/export.py did not write it.
    """

    def __init__(
        self,
        file: str | os.PathLike,
        providers: Sequence[str] = ('CPUExecutionProvider',),
        threads: int | None = None,
        content: bytes | None = None,
    ):
        onnxruntime = library('onnxruntime')
        content = read_bytes(file, MAX_BYTES, ONNX_LIMIT) if content is None else content
        self._session = _session(onnxruntime, str(file), content, providers, threads)
        text = self._session.get_modelmeta().custom_metadata_map.get(KEY)
        shapes = {given.name: given.shape for given in self._session.get_inputs()}
        about = GraphAbout.from_json(text, str(file))
        super().__init__(about, str(file), self._run_session, shapes)

    def _run_session(self, feeds: Feeds) -> list[np.ndarray]:
        try:
            return self._session.run(None, feeds)
        except Exception as error:  # onnxruntime's errors share no class of their own
            raise DataError(
                f'{self._file}: onnxruntime cannot run it ({_reason(error)}).'
            ) from None


def _session(
    onnxruntime: ModuleType,
    file: str,
    content: bytes,
    providers: Sequence[str],
    threads: int | None,
) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only
    if threads is not None:
        options.intra_op_num_threads = threads
    known = onnxruntime.get_available_providers()
    unknown = [name for name in providers if name not in known]
    if unknown:
        raise UserError(
            f'providers: onnxruntime has no {brief(unknown[0])} here. Known: {", ".join(known)}.'
        )
    try:
        return onnxruntime.InferenceSession(content, options, providers=list(providers))
    except Exception as error:  # see _run_session
        raise DataError(
            f'{file}: cannot be read as an ONNX network ({_reason(error)}). Is it complete?'
        ) from None


def _reason(error: Exception) -> str:
    """Return the first line of onnxruntime's message, without its place in the source code."""
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return brief(text.rpartition('] ')[2] if text.startswith('[ONNXRuntimeError]') else text)[1:-1]
