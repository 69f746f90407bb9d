"""Checkpoints in PYSKL's layout, read without executing anything and never half-written.

    {'meta': {...}, 'state_dict': {...}, 'optimizer': {...}, 'resume': {...}}

All values are tensors and plain Python. `resume` is not PYSKL's: it holds what an exact
continuation needs beyond weights and optimiser. With an average of the weights (ema), `state_dict`
is the average, and the weights themselves are in resume['raw_state_dict'].
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ..errors import CheckpointError, UserError
from ..files.atomic import atomic_write
from ..files.path_checks import check_checkpoint
from ..files.safe_tensors import load_either
from ..files.torch_files import check_dense, how_to_fetch, reason, weights_in
from ..models.foreign_weights import to_our_names
from ..wording import brief, some

_NUMBERED = re.compile(r'(?:epoch|iter)_\d+\.pth')
_BEST = re.compile(r'best_[\w:]+_epoch_\d+\.pth')  # RGBPose_1:1_top1_acc


def read_checkpoint(path: str | os.PathLike) -> dict[str, Any]:
    """Read a checkpoint file, tensors on the CPU.

    Returns:
        A dict with at least 'state_dict', 'meta' and 'notes'. Notes are lines for the log: which
        names of another toolbox were changed (models/foreign_weights.py).

    Raises:
        CheckpointError: missing, truncated, no checkpoint, or with objects other than tensors and
            plain Python.
    """
    advice = how_to_fetch(str(path), 'load_from = {0}   (in a test: -C {0})')
    if advice:
        raise CheckpointError(advice)
    path = check_checkpoint(path)
    try:
        data = load_either(path)
    except UserError:  # a package that is not installed
        raise
    except Exception as error:  # for damaged files torch raises a dozen kinds of error
        refused = re.search(r'(?:global|GLOBAL) ([\w.]+)', str(error))
        if refused:
            raise CheckpointError(
                f'{path}: refused, since reading it would run {refused.group(1)}. Expected tensors '
                'and plain Python values only; ask its author for a plain state_dict.'
            ) from error
        raise CheckpointError(
            f'{path}: is not a complete checkpoint ({reason(error)}). It may be cut short; use an '
            'earlier one.'
        ) from error
    return _checked(data, path)


def _checked(data: Any, path: Path) -> dict[str, Any]:
    """Bring the content of a checkpoint file into one form.

    Returns:
        A dict in which 'meta' is a dict, 'state_dict' a dict of tensors, 'notes' a list of lines.
    """
    key, weights = weights_in(data)
    if weights is None:
        keys = f' It has {some(data, 8)}.' if isinstance(data, Mapping) and data else ''
        raise CheckpointError(
            f"{path}: holds no 'state_dict'. Expected a checkpoint with meta, state_dict, "
            f'optimizer.{keys}'
        )
    data = {} if key is None else dict(data)
    for name, value in weights.items():
        if not isinstance(name, str) or not torch.is_tensor(value):
            raise CheckpointError(
                f'{path}: {key or "state_dict"!r} holds {brief(name)}, which is no tensor with a '
                "name. Expected a model's state_dict."
            )
    check_dense(weights, f'{path}: {key or "state_dict"!r}')
    if not isinstance(data.get('meta', {}), Mapping):
        raise CheckpointError(
            f"{path}: 'meta' is a {type(data['meta']).__name__}. Expected a dict, as "
            'tools/train.py writes it.'
        )
    state_dict, notes = to_our_names(weights, str(path), data)
    if key not in (None, 'state_dict'):
        notes = [f'the weights were found under {key!r}.', *notes]
    return {'meta': {}, **data, 'state_dict': state_dict, 'notes': notes}


def write_checkpoint(path: str | os.PathLike, data: Mapping[str, Any]) -> None:
    """Write atomically: whatever happens, `path` is either the old file or the complete new one."""
    # Not straight to the file: on a full disk torch's errors name neither file nor reason.
    content = io.BytesIO()
    torch.save(dict(data), content)
    with atomic_write(path) as f:
        f.write(content.getbuffer())


def load_weights(
    model: torch.nn.Module, state_dict: Mapping[str, torch.Tensor], source: str, strict: bool = True
) -> list[str]:
    """Copy weights into the model.

    Args:
        model: the network.
        state_dict: names may begin with 'module.'.
        source: the file, for messages.
        strict: refuse missing, unexpected or mis-shaped keys; otherwise they are left out, as for
            fine-tuning.

    Returns:
        One line for each kind of mismatch; empty when everything fits.

    Raises:
        CheckpointError: mismatches when `strict`, or no weights fit at all.
    """
    state = {key.removeprefix('module.'): value for key, value in state_dict.items()}
    expected = model.state_dict()
    shapes = [
        f'{key} {tuple(state[key].shape)} (expected {tuple(expected[key].shape)})'
        for key in expected
        if key in state and state[key].shape != expected[key].shape
    ]
    mismatches = {
        'missing': [key for key in expected if key not in state],
        'unexpected': [key for key in state if key not in expected],
        'of another shape': shapes,
    }
    problems = [
        f'{len(keys)} keys {kind}: {some(keys, 3)}.' for kind, keys in mismatches.items() if keys
    ]
    if problems and strict:
        raise CheckpointError(
            f'{source}: does not fit the model of this config. {" ".join(problems)} '
            'Is it from another config? Compare the backbone and num_classes.'
        )
    fitting = {
        key: value
        for key, value in state.items()
        if key in expected and value.shape == expected[key].shape
    }
    if not fitting:
        raise CheckpointError(
            f'{source}: none of its weights fit the model of this config. {" ".join(problems)}'
        )
    try:
        model.load_state_dict(fitting, strict=False)
    except RuntimeError as error:  # a dtype that nothing can be copied from
        raise CheckpointError(
            f'{source}: its weights cannot be copied ({brief(str(error))}). Expected float32.'
        ) from error
    return problems


class CheckpointFolder:
    """The checkpoints of a run: epoch_N.pth or iter_N.pth, latest.pth, best_METRIC_epoch_N.pth.

    Args:
        folder: the work dir.
        keep: how many numbered checkpoints to keep, the latest among them; -1 keeps all. The best
            one does not count.

    Attributes:
        spared: the file that the user asked to go on from, which is never removed.
    """

    def __init__(self, folder: str | os.PathLike, keep: int = -1):
        self.folder, self.keep = Path(folder), keep
        self.spared: str | None = None

    def numbered(self) -> list[Path]:
        """Return epoch_N.pth and iter_N.pth, oldest first; by number where the clock is coarse."""
        return sorted(
            self._named(_NUMBERED), key=lambda p: (_written(p), int(p.stem.partition('_')[2]))
        )

    def _named(self, pattern: re.Pattern) -> list[Path]:
        """Return the run's own files with such a name: no broken links, no files of the user's."""
        return [p for p in self.folder.glob('*.pth') if pattern.fullmatch(p.name) and p.is_file()]

    def save(self, name: str, data: Mapping[str, Any]) -> Path:
        """Write a numbered checkpoint, link latest.pth to it, remove the oldest beyond `keep`."""
        path = self.folder / name
        write_checkpoint(path, data)
        self._be_newest(path)
        self._point_latest(path)
        if self.keep > 0:
            others = [p for p in self.numbered() if p != path and not self._is_spared(p)]
            for old in others[: max(0, len(others) - self.keep + 1)]:
                old.unlink(missing_ok=True)
        return path

    def _be_newest(self, path: Path) -> None:
        """Make a file the newest by its time, even after the clock was set back."""
        before = max((_written(p) for p in self._named(_NUMBERED) if p != path), default=0)
        if _written(path) < before:
            with contextlib.suppress(OSError):
                os.utime(path, ns=(before, before + 1000))

    def save_best(self, name: str, data: Mapping[str, Any]) -> Path:
        """Write the new best checkpoint, then remove the one it beats."""
        path = self.folder / name
        before = [p for p in self._named(_BEST) if p != path and not self._is_spared(p)]
        write_checkpoint(path, data)
        for old in before:
            old.unlink(missing_ok=True)
        return path

    def _is_spared(self, path: Path) -> bool:
        return self.spared is not None and os.path.realpath(path) == self.spared

    def _point_latest(self, path: Path) -> None:
        latest, new = self.folder / 'latest.pth', self.folder / '.latest.pth.new'
        new.unlink(missing_ok=True)
        try:
            new.symlink_to(path.name)
        except OSError:  # no links on this file system, or no space, which atomic_write reports
            with atomic_write(latest) as copy, open(path, 'rb') as whole:
                shutil.copyfileobj(whole, copy)
            return
        os.replace(new, latest)

    def newest_whole(self) -> tuple[Path, dict[str, Any], list[str]] | None:
        """Read the newest checkpoint that is complete.

        Returns:
            Its path, its content, and complaints about damaged newer ones; None when there is no
            checkpoint at all.

        Raises:
            CheckpointError: there are checkpoints, but none is complete.
        """
        while True:
            candidates = self._newest_first()
            complaints: list[str] = []
            for path in candidates:
                try:
                    return path, read_checkpoint(path), complaints
                except CheckpointError as error:
                    # Otherwise a running training has removed it, and written newer ones.
                    if path.exists():
                        complaints.append(str(error))
            if all(path.exists() for path in candidates):
                break
        if complaints:
            raise CheckpointError(
                'No whole checkpoint to go on from:\n  '
                + '\n  '.join(complaints)
                + '\nMove the damaged files away, or start anew in another --work-dir.'
            )
        return None

    def _newest_first(self) -> list[Path]:
        """Return the target of latest.pth, then the numbered ones, newest first."""
        candidates = self.numbered()[::-1]
        with contextlib.suppress(OSError, RuntimeError):  # RuntimeError: a link to itself
            target = (self.folder / 'latest.pth').resolve(strict=True)
            return [target] + [p for p in candidates if p.resolve() != target]
        return candidates

    def describe_newest(self) -> str:
        """Return a sentence for error messages: which checkpoint there is to go back to."""
        try:
            newest = self.newest_whole()
        except CheckpointError:
            return 'None of the checkpoints from before is whole.'
        if newest is None:
            return 'No checkpoint was written before.'
        return f'The last checkpoint from before is {newest[0]}.'

    def best(self) -> Path | None:
        """Return the best checkpoint; None when none was kept."""
        return max(self._named(_BEST), key=_written, default=None)


def _written(path: Path) -> int:
    """Return when a file was written, in ns since 1970; 0 if it is gone."""
    with contextlib.suppress(OSError):
        return path.stat().st_mtime_ns
    return 0
