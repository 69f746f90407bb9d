"""A small graph network with random weights and made-up recordings, for tests of spotting."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from tiny import ROOT

from pyskl.apis import Spotter, init_recognizer, load_spotter
from pyskl.apis.skeleton import input_of
from pyskl.sources.recordings import Recording
from pyskl.spotting.windows import Windows

CONFIG = """
_base_ = ['{root}/configs/spotting/demo.py']
model = dict(
    backbone=dict(base_channels=8, num_stages=2, inflate_stages=[2], down_stages=[2]),
    cls_head=dict(in_channels=16))
windows = dict(recordings='{folder}', lengths=[16, 40], stride=4)
data = dict(train=windows, val=windows, test=windows)
work_dir = '{folder}/run'
"""
WINDOWS = Windows((16, 40), 4, 32, 30)


def write_config(folder: Path) -> Path:
    path = folder / 'spot.py'
    path.write_text(CONFIG.format(root=ROOT, folder=folder))
    return path


def spotter(folder: Path, windows: Windows = WINDOWS, seed: int = 5) -> Spotter:
    torch.manual_seed(seed)
    return load_spotter([(write_config(folder), None)], windows=windows)


def checkpoint(folder: Path) -> Path:
    """Write the weights of a network that nobody trained."""

    torch.manual_seed(5)
    model = init_recognizer(write_config(folder))
    meta = input_of(model, model.cfg)
    torch.save({'state_dict': model.state_dict(), 'meta': meta}, folder / 'random.pth')
    return folder / 'random.pth'


def recording(num_frames: int = 150, people: int = 1, seed: int = 0, joints: int = 22) -> Recording:
    """Somebody who wanders, whose joints are missing now and then, and who is away for a while."""
    rng = np.random.default_rng(seed)
    body = rng.uniform(300, 700, (people, 1, joints, 2))
    walk = rng.normal(0, 8, (people, num_frames, joints, 2)).cumsum(1)
    score = rng.uniform(0.3, 1, (people, num_frames, joints)).astype(np.float32)
    score *= rng.random(score.shape) > 0.05
    score[:, 60:85] = 0
    xy = ((body + walk) * (score > 0)[..., None]).astype(np.float32)
    return Recording(f'r{seed}', xy, score, (1080, 1920))
