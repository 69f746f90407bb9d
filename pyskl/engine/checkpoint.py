"""Checkpoints: tensors and plain Python in PYSKL's layout, read without executing anything, never half-written.

    {'meta': {...}, 'state_dict': {...}, 'optimizer': {...}, 'resume': {...}}
`resume` is ours: what an exact continuation needs beyond weights and optimiser. With an average of the weights (ema), `state_dict`
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
from ..files.atomic import atomic_write, remove_parts
from ..files.path_checks import check_checkpoint
from ..files.safe_tensors import SUFFIX, load_safe_tensors
from ..files.torch_files import check_dense, how_to_fetch, load_tensors, reason, weights_in
from ..models.foreign_weights import to_our_names
from ..wording import brief, some

_NUMBERED = re.compile(r'(?:epoch|iter)_\d+\.pth')
_BEST = re.compile(r'best_[\w:]+_epoch_\d+\.pth')  # RGBPose_1:1_top1_acc


def read_checkpoint(path: str | os.PathLike) -> dict[str, Any]:
    """A checkpoint as a dict with at least 'state_dict', 'meta' and 'notes', tensors on the CPU.

    notes    lines for the log: what of another toolbox's names was changed (models/foreign_weights.py)
    raises  CheckpointError: missing, truncated, no checkpoint, or holding objects other than tensors and plain Python
    """
    advice = how_to_fetch(str(path), 'load_from = {0}   (in a test: -C {0})')
    if advice:
        raise CheckpointError(advice)
    path = check_checkpoint(path)
    try:
        data = load_safe_tensors(path) if path.suffix == SUFFIX else load_tensors(path)
    except UserError:  # a package that is not installed
        raise
    except Exception as error:  # torch raises UnpicklingError, RuntimeError, EOFError, KeyError ... for damaged files
        refused = re.search(r'(?:global|GLOBAL) ([\w.]+)', str(error))
        if refused:
            raise CheckpointError(
                f'{path}: refused, since reading it would run {refused.group(1)}. Expected tensors and plain '
                'Python values only; ask its author for a plain state_dict.'
            ) from error
        raise CheckpointError(
            f'{path}: is no whole checkpoint ({reason(error)}). It may be cut short; take an earlier one.'
        ) from error
    return _checked(data, path)


def _checked(data: Any, path: Path) -> dict[str, Any]:
    """The content of a checkpoint file in one form: 'meta' a dict, 'state_dict' a dict of tensors."""
    key, weights = weights_in(data)
    if weights is None:
        raise CheckpointError(
            f"{path}: holds no 'state_dict'. Expected a checkpoint with meta, state_dict, optimizer.{_keys_of(data)}"
        )
    data = {} if key is None else dict(data)
    odd = next(
        (
            key
            for key, value in weights.items()
            if not isinstance(key, str) or not torch.is_tensor(value)
        ),
        None,
    )
    if odd is not None:
        raise CheckpointError(
            f"{path}: {key or 'state_dict'!r} holds {brief(odd)}, which is no tensor with a name. Expected a model's "
            'state_dict.'
        )
    check_dense(weights, f'{path}: {key or "state_dict"!r}')
    if not isinstance(data.get('meta', {}), Mapping):
        raise CheckpointError(
            f"{path}: 'meta' is a {type(data['meta']).__name__}. Expected a dict, as tools/train.py writes it."
        )
    state_dict, notes = to_our_names(weights, str(path), data)
    if key not in (None, 'state_dict'):
        notes = [f'the weights were found below {key!r}.', *notes]
    return {'meta': {}, **data, 'state_dict': state_dict, 'notes': notes}


def _keys_of(data: Any) -> str:
    return f' It has {some(data, 8)}.' if isinstance(data, Mapping) and data else ''


def write_checkpoint(path: str | os.PathLike, data: Mapping[str, Any]) -> None:
    """Write atomically: `path` is either the old file or the whole new one, whatever happens meanwhile."""
    whole = (
        io.BytesIO()
    )  # torch's own writer meets a full disk with errors that name neither file nor reason
    torch.save(dict(data), whole)
    with atomic_write(path) as f:
        f.write(whole.getbuffer())


def load_weights(
    model: torch.nn.Module, state_dict: Mapping[str, torch.Tensor], source: str, strict: bool = True
) -> list[str]:
    """Copy weights into the model.

    strict   missing, unexpected or mis-shaped keys raise CheckpointError; otherwise they are left out (fine-tuning)
    ->       one line for each kind of mismatch (empty when all fits)
    """
    state = {key.removeprefix('module.'): value for key, value in state_dict.items()}
    own = model.state_dict()
    shapes = [
        f'{key} {tuple(state[key].shape)} (expected {tuple(own[key].shape)})'
        for key in own
        if key in state and state[key].shape != own[key].shape
    ]
    problems = [
        _listed('missing', [key for key in own if key not in state]),
        _listed('unexpected', [key for key in state if key not in own]),
        _listed('of another shape', shapes),
    ]
    problems = [problem for problem in problems if problem]
    if problems and strict:
        raise CheckpointError(
            f'{source}: does not fit the model of this config. {" ".join(problems)} '
            'Is it from another config? Compare the backbone and num_classes.'
        )
    fitting = {
        key: value for key, value in state.items() if key in own and value.shape == own[key].shape
    }
    if not fitting:
        raise CheckpointError(
            f'{source}: none of its weights fit the model of this config. {" ".join(problems)}'
        )
    try:
        model.load_state_dict(fitting, strict=False)
    except RuntimeError as error:  # a dtype that nothing can be copied from
        raise CheckpointError(
            f'{source}: its weights cannot be copied ({brief(str(error))}). Expected numbers as float32.'
        ) from error
    return problems


def _listed(kind: str, keys: list[str]) -> str:
    if not keys:
        return ''
    more = f' and {len(keys) - 3} more' if len(keys) > 3 else ''
    return f'{len(keys)} keys {kind}: {", ".join(keys[:3])}{more}.'


class CheckpointFolder:
    """The checkpoints of a run: epoch_N.pth or iter_N.pth, latest.pth, best_METRIC_epoch_N.pth."""

    def __init__(self, folder: str | os.PathLike, keep: int = -1):
        """keep: how many numbered checkpoints to keep, the latest among them (the best is never touched); -1 keeps all."""
        self.folder, self.keep = Path(folder), keep
        self.spared: str | None = (
            None  # the file that the user asked to go on from is never removed
        )

    def numbered(self) -> list[Path]:
        """epoch_N.pth and iter_N.pth, oldest first."""
        return sorted(
            self._named(_NUMBERED), key=lambda p: (_written(p), int(p.stem.partition('_')[2]))
        )  # some clocks are coarse

    def _named(self, pattern: re.Pattern) -> list[Path]:
        """The run's own files of that name: no links to nowhere, and nothing that the user put beside them."""
        return [p for p in self.folder.glob('*.pth') if pattern.fullmatch(p.name) and p.is_file()]

    def save(self, name: str, data: Mapping[str, Any]) -> Path:
        """Write a numbered checkpoint, let latest.pth name it, and forget the oldest beyond `keep`."""
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
        """Order by time is order of writing, even after the clock was set back."""
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

    def forget_unfinished(self) -> list[str]:
        """Remove what a killed run left half-written; returns the names of what there was."""
        return remove_parts(self.folder)

    def _point_latest(self, path: Path) -> None:
        latest, new = self.folder / 'latest.pth', self.folder / '.latest.pth.new'
        new.unlink(missing_ok=True)
        try:
            new.symlink_to(path.name)
        except OSError:  # a file system without links, or a full one, which atomic_write then says
            with atomic_write(latest) as copy, open(path, 'rb') as whole:
                shutil.copyfileobj(whole, copy)
            return
        os.replace(new, latest)

    def newest_whole(self) -> tuple[Path, dict[str, Any], list[str]] | None:
        """(path, checkpoint, complaints about damaged newer ones); None when there is no checkpoint at all.

        raises  CheckpointError when there are checkpoints but none is whole
        """
        while True:
            candidates = self._newest_first()
            complaints: list[str] = []
            for path in candidates:
                try:
                    return path, read_checkpoint(path), complaints
                except CheckpointError as error:
                    if (
                        path.exists()
                    ):  # else a training that runs has removed it, and written newer ones
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
        """The file that latest.pth names, then the numbered ones."""
        candidates = self.numbered()[::-1]
        with contextlib.suppress(OSError, RuntimeError):  # a RuntimeError: a link to itself
            target = (self.folder / 'latest.pth').resolve(strict=True)
            return [target] + [p for p in candidates if p.resolve() != target]
        return candidates

    def best(self) -> Path | None:
        """The best checkpoint; None when none was kept."""
        return max(self._named(_BEST), key=_written, default=None)


def _written(path: Path) -> int:
    """When a file was written, in ns since 1970; 0 where it is no longer there."""
    with contextlib.suppress(OSError):
        return path.stat().st_mtime_ns
    return 0
