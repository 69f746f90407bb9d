"""Answers of an exported network, with numpy and onnxruntime alone."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np

from ..datasets.pipelines.base import picture_size
from ..errors import DataError, UserError
from ..files.safe_pickle import open_regular
from ..inference.answers import AnswerOptions, answers
from ..labels import Labels
from ..wording import brief, plain
from .about import KEY, GraphAbout

Feeds = dict[str, np.ndarray]
VIEWS_AT_ONCE = {True: 4, False: 16}  # of a network on heatmaps; on key points
MAX_BYTES = 2 << 30  # no ONNX file that holds its weights is larger


def library(name: str) -> ModuleType:
    """Import onnx, onnxscript or onnxruntime; UserError saying what to install where it is missing."""
    try:
        return importlib.import_module(name)
    except (ImportError, OSError) as error:
        raise UserError(
            f'{name} cannot be imported ({error}). Install what ONNX files need: '
            "pip install -c constraints.txt -e '.[onnx]'"
        ) from error


class GraphRecognizer:
    """A graph from key points to probabilities, with the pipeline's steps that come before it.

    Attributes:
        about: what it says of itself.
        wanted, label_sources, layouts, told: see inference.answers.

    Args:
        about: what it says of itself.
        file: its name, for messages.
        run: the graph: arrays by the names of its inputs -> (B, K) probabilities.
        shapes: the shape of each input; where an axis may have any length, no number.
    """

    def __init__(
        self,
        about: GraphAbout,
        file: str,
        run: Callable[[Feeds], np.ndarray],
        shapes: Mapping[str, Sequence[Any]],
    ):
        self.about, self.wanted, self.told = about, about.wanted(file), set[str]()
        self.label_sources = ((f'{file}: label_names', about.label_names),)
        self.layouts = set(about.layouts)
        self._file, self._run, self._shapes = file, run, shapes
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
        """Return the likeliest classes of a clip, or of several: (name, probability), likeliest first.

        Arguments, answers and errors are those of `pyskl.apis.inference_recognizer`.
        """
        how = AnswerOptions(labels, top_k, views, people, indices)
        return answers(self, clip, img_shape, how, lambda rows: self.class_scores(rows, views))

    def class_scores(
        self, clips: Sequence[Mapping[str, Any]], views: Literal[1, 'all'] = 'all'
    ) -> Iterator[np.ndarray]:
        """Give the class probabilities (K,) float32 of each clip.

        Args:
            clips: annotations, as inference.clips gives them.
            views: 'all', or 1: the one in the middle.
        """
        for clip in clips:
            feeds = self.feeds(clip)
            total, count = np.zeros(self.about.num_classes), 0
            for part, number in self._pieces(feeds, views):
                total += number * self._answer(part, clip)
                count += number
            yield (total / count).astype(np.float32)

    def feeds(self, clip: Mapping[str, Any]) -> Feeds:
        """Pass a clip through the steps before the graph: the graph's inputs, but for `views`.

        Raises:
            DataError: naming the clip and what is wrong with it.
        """
        try:
            results = self._prepared(clip)
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise DataError(
                f'{self._file}: the steps before its graph do not fit together, or not to clip '
                f'{plain(clip.get("frame_dir"))} ({brief(str(error))}).'
            ) from None
        feeds = {'keypoint': results['keypoint'][None]}
        if 'img_shape' in self._shapes:
            feeds['img_shape'] = np.array([picture_size(results)], np.int64)
        return feeds

    def _prepared(self, clip: Mapping[str, Any]) -> dict[str, Any]:
        """Pass a clip through the steps, key points laid out as the graph takes them."""
        results = {**clip, 'start_index': 0, 'modality': 'Pose', 'test_mode': True}
        for step in self._steps:
            self._check_picture(step.needs, results)
            results = step(results)
        if 'img_shape' in self._shapes:
            self._check_picture(('img_shape',), results)
        if self.about.draws:
            results['keypoint'] = self._by_sample(results)
        return results

    def _check_picture(self, needs: Sequence[str], results: Mapping[str, Any]) -> None:
        """DataError where a picture's size is needed and the clip has none."""
        if 'img_shape' in needs and 'img_shape' not in results:
            raise DataError(
                f'clip {plain(results.get("frame_dir"))}: has no img_shape, the (height, width) of its '
                f'picture, which the network of {self._file} needs.'
            )

    def _by_sample(self, results: dict[str, Any]) -> np.ndarray:
        """Return (S, M, T, V, 3) x, y, score of sampled key points (M, S * T, V, 2)."""
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
        apart = joined.reshape(people, samples, frames // samples, *joint)
        return np.ascontiguousarray(apart.swapaxes(0, 1))

    def _pieces(self, feeds: Feeds, views: Literal[1, 'all']) -> Iterator[tuple[Feeds, int]]:
        """Give inputs with a few views each, and how many."""
        samples, step = feeds['keypoint'].shape[1], VIEWS_AT_ONCE[self.about.draws]
        total = samples * 2 if self.about.mirrors else samples
        chosen = np.arange(total) if views == 'all' else np.array([samples // 2])
        for start in range(0, len(chosen), step):
            some = chosen[start : start + step]
            if self.about.draws:
                yield {**feeds, 'views': some}, len(some)
            else:
                yield {**feeds, 'keypoint': feeds['keypoint'][:, some]}, len(some)

    def _answer(self, feeds: Feeds, clip: Mapping[str, Any]) -> np.ndarray:
        """Run the graph for one clip: (K,)."""
        shape = feeds['keypoint'].shape
        wanted = self._shapes['keypoint']
        fits = len(shape) == len(wanted) and all(
            not isinstance(there, int) or there == given for there, given in zip(wanted, shape)
        )
        if not fits:
            names = ', '.join(str(n) if isinstance(n, int) else 'any' for n in wanted)
            raise DataError(
                f'clip {plain(clip.get("frame_dir"))}: gives key points of shape {shape}, but the '
                f'network of {self._file} takes ({names}): clips, samples, people, frames, joints, '
                'channels.'
            )
        probabilities = np.asarray(self._run(feeds))
        if probabilities.shape != (1, self.about.num_classes):
            raise DataError(
                f'{self._file}: its graph gives an array of shape {probabilities.shape}, expected '
                f'(1, {self.about.num_classes}). Export it again.'
            )
        return probabilities[0]


class OnnxRecognizer(GraphRecognizer):
    """An ONNX file that tools/export.py wrote, ready to be called like `inference_recognizer`.

        recognise = OnnxRecognizer('joint.onnx')
        recognise(keypoint, img_shape=(480, 640))       # [('Touching ears', 0.61), ...]

    Args:
        file: the path.
        providers: what onnxruntime computes on, e.g. ['CUDAExecutionProvider'].
        threads: of the computation; None: as many as onnxruntime takes.
        content: what the file holds, where it is not written yet.

    Raises:
        UserError: onnxruntime is not installed.
        DataError: the file cannot be read, or is none of tools/export.py's.
    """

    def __init__(
        self,
        file: str | os.PathLike,
        providers: Sequence[str] = ('CPUExecutionProvider',),
        threads: int | None = None,
        content: bytes | None = None,
    ):
        onnxruntime = library('onnxruntime')
        content = _content(Path(file)) if content is None else content
        self._session = _session(onnxruntime, str(file), content, providers, threads)
        text = self._session.get_modelmeta().custom_metadata_map.get(KEY)
        shapes = {given.name: given.shape for given in self._session.get_inputs()}
        about = GraphAbout.from_json(text, str(file))
        super().__init__(about, str(file), self._run_session, shapes)

    def _run_session(self, feeds: Feeds) -> np.ndarray:
        try:
            return self._session.run(None, feeds)[0]
        except Exception as error:  # onnxruntime's errors have no class of their own in common
            raise DataError(
                f'{self._file}: onnxruntime cannot run it ({_reason(error)}).'
            ) from None


def _content(file: Path) -> bytes:
    with open_regular(file) as opened:
        content = opened.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise DataError(f'{file}: is larger than {MAX_BYTES:,} bytes, which no ONNX file is.')
    return content


def _session(
    onnxruntime: ModuleType,
    file: str,
    content: bytes,
    providers: Sequence[str],
    threads: int | None,
) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors; they are raised anyway
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
            f'{file}: cannot be read as an ONNX network ({_reason(error)}). Is it whole?'
        ) from None


def _reason(error: Exception) -> str:
    """The first line of onnxruntime's message, without the place in its sources."""
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return brief(text.rpartition('] ')[2] if text.startswith('[ONNXRuntimeError]') else text)[1:-1]
