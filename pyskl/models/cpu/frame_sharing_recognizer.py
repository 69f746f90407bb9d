"""The recognizer that passes shared and repeated frames through its backbone once."""

from __future__ import annotations

from collections.abc import Iterator

from ...inputs.heatmaps.frames import num_clips_sharing
from ..input_stage import Imgs
from ..mixing import Mix
from ..recognizers.recognizer3d import Recognizer3D
from .frame_sharing import Features, RepeatedFrames, SharedFrames


class FrameSharingRecognizer3D(Recognizer3D):
    """Recognizer3D whose backbone computes no frame twice, if that saves time."""

    def train_features(self, imgs: Imgs, mix: Mix | None) -> Features:
        """Compute the features of all B * S views; mixed clips share no frames."""
        shared = None
        if mix is None and self._extracts_as_built():
            shared = RepeatedFrames.of(imgs, self.backbone, self.target)
        return super().train_features(imgs, mix) if shared is None else shared.features(self.target)

    def test_features(self, imgs: Imgs) -> Iterator[Features]:
        """Yield the features of some views of every sample at a time, in order of views."""
        shared = None
        if self._extracts_as_built():
            shared = SharedFrames.of(imgs, self.backbone)
        if shared is None:
            yield from super().test_features(imgs)
        else:
            yield from shared.features(self.target, self.test_cfg.max_testing_views)

    def samples_at_once(self, imgs: Imgs) -> int:
        """Return 1 if clips of a sample may share frames, else see Recognizer3D."""
        return 1 if num_clips_sharing(imgs) > 1 else super().samples_at_once(imgs)

    def _extracts_as_built(self) -> bool:
        """Return whether `extract_feat` is that of Recognizer3D, which only calls the backbone."""
        return getattr(self.extract_feat, '__func__', None) is Recognizer3D.extract_feat
