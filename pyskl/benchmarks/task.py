"""What one child process of the benchmark measures, and the figures that it finds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..apis.setup import read_run
from ..datasets import PoseDataset, build_dataset

PLAIN, PLAIN_PAGES, FAST = 'plain', 'plain, pages kept', 'ours'
NUM_CLIPS = 64  # in the annotation file that most figures are measured on
FULL = 3  # repeats of each measurement, at least, unless --quick is given


@dataclass
class Task:
    """One measurement in one setting.

    Attributes:
        name: the line of the result, such as 'render_joint' or 'gcn_train_stgcn_2'.
        setting: PLAIN, PLAIN_PAGES or FAST.
        folder: folder of the annotation files.
        configs: folder of the configs that come with the package.
        device: device to measure on.
        repeats: how often to repeat the measurement, at least.
        threads: threads for PyTorch.
    """

    name: str
    setting: str
    folder: str
    configs: str
    device: str
    repeats: int
    threads: int

    @property
    def config(self) -> Path:
        """Config of PoseC3D on joints, or on limbs where the name asks for them."""
        stream = 'limb' if self.name.endswith('limb') else 'joint'
        return Path(self.configs) / f'posec3d/slowonly_r50_imigue_2dkp_emb20/{stream}.py'

    @property
    def min_seconds(self) -> float:
        """Seconds to go on measuring a training or test step; a GPU is steadier than a CPU."""
        if self.repeats != FULL:
            return 0.0
        return 5.0 if self.device.startswith('cuda') else 30.0

    @property
    def fast(self) -> bool:
        """Whether to measure this package's way rather than the plain one."""
        return self.setting == FAST

    def dataset(self, split: str) -> PoseDataset:
        """Build the data set of a split on the benchmark's clips."""
        data = getattr(read_run(self.config).recipe.data, split)
        return build_dataset(
            {**data, 'ann_file': f'{self.folder}/clips.pkl'}, {'test_mode': split != 'train'}
        )


@dataclass
class Figure:
    """A measured number.

    Attributes:
        name: line of the result.
        value: the number itself, in `unit`.
        unit: unit of the number.
        better: 'more' or 'less': which way it improves.
        note: circumstances, in words.
        gflops: GFLOP/s of the plain way's arithmetic, to compare with the machine's peak.
    """

    name: str
    value: float
    unit: str
    better: str
    note: str = ''
    gflops: float | None = None
