"""Clips that are videos, or folders of frames, from lists of their names and labels."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from ..annotations.clips import Annotations, InMemory
from ..annotations.fields import start_of
from ..annotations.label_lists import LabelLists, from_one
from ..annotations.video_lists import EXPECTED, read_video_list
from ..errors import ConfigError, DataError
from ..files.videos import VideoFrames
from ..labels import Labels, names_of
from ..registry import DATASETS
from .annotated import AnnotatedDataset
from .pipelines.base import clip_error
from .pipelines.decoding import WAY_OUT, beyond
from .video_checks import Video, needs_length

ENTRIES = (
    *('frame_dir', 'filename', 'label', 'total_frames', 'start_frame', 'emb', 'modality'),
    *('start_index', 'test_mode'),
)


@DATASETS.register_module()
class VideoDataset(AnnotatedDataset):
    """The videos of a list, as samples that a network on pictures can take.

    A clip is called as its file is, without the ending ('wave/0054_0' of 'wave/0054_0.mp4'), so
    that its scores are blended with those of its key points; a part of a video has its first and
    last frame behind that ('0054_30_89').

    Where the list does not say how many frames a clip has, its video does: DecordInit asks it, or
    the data set before the pipeline's first step that needs to know.

    Args:
        ann_file: the list: `path label` a line, csv, JSON, or an annotation pickle; see
            pyskl.annotations.video_lists.
        pipeline: list of stages, configs or callables.
        delimiter: what stands between path and labels in a list of text; None finds it out.
        label_names: names of the classes in class order (a list, or a text file), where the list
            has names instead of numbers.
        modality, others: AnnotatedDataset's.
    """

    entries: tuple[str, ...] = ENTRIES
    _between: tuple[str, ...] = ()  # numbers between path and label in a list of text

    def __init__(
        self,
        ann_file: str | PathLike,
        pipeline: Sequence[dict | Any],
        split: str | None = None,
        delimiter: str | None = None,
        label_names: Labels | None = None,
        modality: str = 'RGB',
        **others: Any,
    ):
        self._delimiter = delimiter
        self._label_names = None if label_names is None else names_of(label_names, 'label_names')
        self._lengths: dict[str, int] = {}  # of videos that were asked for it
        super().__init__(ann_file, pipeline, split, modality=modality, **others)
        self._asks_length = needs_length(self.pipeline.steps)

    def _open(self) -> Annotations:
        data = read_video_list(
            self.ann_file,
            multi_class=self.multi_class,
            delimiter=self._delimiter,
            label_names=self._label_names,
            numbers=self._between,
        )
        clips = Annotations(InMemory(data, self.ann_file))
        return clips if self.split is None else clips.split(self.split)

    def _advice_without_label(self) -> str:
        return f'That is none: clips without labels can only be tested. {EXPECTED}.'

    def _advice_from_one(self, lists: LabelLists, num_classes: int) -> str:
        counts_from_one = from_one(lists.values, num_classes, self.ann_file)
        return counts_from_one and 'Labels count from 0; these seem to count from 1.'

    def _entries_of(self, clip: Mapping[str, Any]) -> dict[str, Any]:
        entries = super()._entries_of(clip)
        if self._asks_length and 'total_frames' not in clip:
            entries['total_frames'] = self._length(clip, entries['filename'])
        return entries

    def _length(self, clip: Mapping[str, Any], path: str) -> int:
        """Return from a clip's first frame to its video's end."""
        if path not in self._lengths:
            try:
                with VideoFrames(path) as video:
                    self._lengths[path] = len(video)
            except DataError as error:
                raise clip_error(clip, f'{error} {WAY_OUT}') from error
        length = range(self._lengths[path])
        if fault := beyond(path, len(length), start_of(clip), None):
            raise clip_error(clip, f'{fault} {WAY_OUT}')
        return len(length[start_of(clip) :])


@DATASETS.register_module()
class RawframeDataset(VideoDataset):
    """Clips as folders with a picture a frame, from a list `folder total_frames label`.

    Its pipeline begins with the sampling, and RawFrameDecode reads the pictures.

    Args:
        ann_file: the list; csv, JSON and pickles say total_frames, and offset, by these names.
        pipeline: list of stages, configs or callables.
        filename_tmpl: how the pictures are called.
        with_offset: lines are `folder offset total_frames label`: the clip begins `offset` frames
            behind the folder's first.
        start_index: number of the first picture.
        modality, others: VideoDataset's.
    """

    entries = (*ENTRIES, 'filename_tmpl')
    _is_there = staticmethod(os.path.isdir)

    def __init__(
        self,
        ann_file: str | PathLike,
        pipeline: Sequence[dict | Any],
        split: str | None = None,
        filename_tmpl: str = 'img_{:05}.jpg',
        with_offset: bool = False,
        start_index: int = 1,
        **others: Any,
    ):
        self.filename_tmpl = filename_tmpl
        self._between = ('offset', 'total_frames') if with_offset else ('total_frames',)
        try:
            filename_tmpl.format(1)
        except (ValueError, IndexError, KeyError) as error:
            raise ConfigError(
                f"filename_tmpl = {filename_tmpl!r}: expected a name like 'img_{{:05}}.jpg' "
                f'({error}).'
            ) from error
        super().__init__(ann_file, pipeline, split, start_index=start_index, **others)

    def _open(self) -> Annotations:
        clips = super()._open()
        for clip in clips:
            if 'total_frames' not in clip:
                raise DataError(
                    f'{self.ann_file}: clip {clip["frame_dir"]} has no total_frames, the number of '
                    'pictures in its folder. Expected `folder total_frames label` a line.'
                )
        return clips

    def _video(self, clip: Mapping[str, Any]) -> str:
        """Return the path of a clip's folder."""
        return os.path.join(self.data_prefix or '', clip['filename'])

    def _faults_of_videos(self, folders: Sequence[Video]) -> Iterator[list[str | None]]:
        for folder, clips in folders:
            yield [self._fault_of_folder(Path(folder), clip) for clip in clips]

    def _fault_of_folder(self, folder: Path, clip: Mapping[str, Any]) -> str | None:
        last = self.start_index + clip.get('offset', 0) + clip['total_frames'] - 1
        wanted = folder / self.filename_tmpl.format(last)
        return None if wanted.is_file() else f'{wanted}, its last frame: no such file.'

    def _entries_of(self, clip: Mapping[str, Any]) -> dict[str, Any]:
        return {**super()._entries_of(clip), 'filename_tmpl': self.filename_tmpl}
