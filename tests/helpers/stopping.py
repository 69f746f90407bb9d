"""Signals in chosen steps of a training in this process, and trainings on two processes."""

import os
import signal
import subprocess
import sys

from tiny import ROOT

from pyskl.engine.trainer import Trainer


def signals_at(monkeypatch, numbers: dict[int, int]) -> list[int]:
    """Raise signals in training steps, counted from 1; returns a list that grows by one a step."""
    step, done = Trainer.step, []

    def step_and_signal(self, batch):
        done.append(len(done) + 1)
        if done[-1] in numbers:
            signal.raise_signal(numbers[done[-1]])
        return step(self, batch)

    monkeypatch.setattr(Trainer, 'step', step_and_signal)
    return done


def start_two(config, *options, **env) -> subprocess.Popen:
    """Start a training on two processes, in a process group of its own."""
    return subprocess.Popen(
        ['bash', str(ROOT / 'tools' / 'dist_train.sh'), str(config), '2', *options],
        env={**os.environ, 'PYTHON': sys.executable, 'CUDA_VISIBLE_DEVICES': '', **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run_two(config, *options, **env) -> tuple[int, str]:
    """Train on two processes to the end; returns the status and what was said on stderr."""
    process = start_two(config, *options, **env)
    _, stderr = process.communicate(timeout=280)
    return process.returncode, stderr
