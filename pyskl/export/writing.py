"""The graph as a program of torch.export, and as a file."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from ..errors import ConfigError
from .network import ExportedNetwork
from .pooling import WindowMaxPool

IF_POSSIBLE = ('frames', 'height', 'width')  # axes that some networks fix


def plain_pooling(model: nn.Module, rows: int) -> None:
    """Swap layers that ONNX has no operation for, in place.

    Args:
        model: plain.
        rows: T, the frames of a clip, of a network that takes that many alone.
    """
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            size = getattr(child, 'output_size', None)
            if isinstance(child, nn.AdaptiveMaxPool2d) and isinstance(size, tuple) and size[1] == 1:
                setattr(parent, name, WindowMaxPool(rows, size[0]))


def traced(network: ExportedNetwork) -> torch.export.ExportedProgram:
    """Trace the graph, for any number of clips and, where the network allows it, of frames.

    Raises:
        ConfigError: torch cannot trace a layer, as may be with one of the user's own.
    """
    axes = {name: network.dynamic.get(name, {}) for name in network.inputs}
    shapes = {
        name: {
            axis: torch.export.Dim.AUTO if called in IF_POSSIBLE else torch.export.Dim.DYNAMIC
            for axis, called in named.items()
        }
        for name, named in axes.items()
    }
    try:
        with torch.no_grad(), quiet():
            return torch.export.export(network.eval(), network.example(), dynamic_shapes=shapes)
    except Exception as error:  # torch's exporter raises whatever a layer raises under it
        raise ConfigError(
            f'{type(network.model.backbone).__name__} cannot be exported: PyTorch {torch.__version__} '
            f'cannot trace it ({_first_line(error)}).'
        ) from error


def as_onnx(
    network: ExportedNetwork, program: torch.export.ExportedProgram, about: str, key: str
) -> bytes:
    """Make the bytes of an ONNX file, weights included.

    Args:
        network: what was traced.
        program: from `traced`.
        about: what the file says of itself, stored in its metadata under `key`.
        key: see about.

    Raises:
        ConfigError: torch knows no ONNX operation for a layer.
    """
    try:
        with torch.no_grad(), quiet():
            made = torch.onnx.export(
                program,
                input_names=list(network.inputs),
                output_names=list(network.outputs),
                verbose=False,
            )
    except Exception as error:  # see traced
        raise ConfigError(
            f'{type(network.model.backbone).__name__} cannot be exported: PyTorch {torch.__version__} '
            f'cannot write it as ONNX ({_first_line(error)}). A .pt2 file may do.'
        ) from error
    assert made is not None
    proto = made.model_proto
    for part in (proto.graph, *proto.functions):
        for node in part.node:  # the exporter's notes: stack traces with names of folders
            node.ClearField('metadata_props')
            node.ClearField('doc_string')
    proto.producer_name = 'pyskl'
    entry = proto.metadata_props.add()
    entry.key, entry.value = key, about
    return proto.SerializeToString()


def as_pt2(program: torch.export.ExportedProgram, about: str, key: str) -> bytes:
    """Make the bytes of a .pt2 file, which torch.export.load reads; `about` is its extra file `key`.json."""
    whole = io.BytesIO()
    torch.export.save(program, whole, extra_files={f'{key}.json': about})
    return whole.getvalue()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep the exporters' remarks, which say nothing to a user, from the terminal."""
    loggers = [
        logging.getLogger(name) for name in ('torch.onnx', 'torch.export', 'onnxscript', 'onnx_ir')
    ]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with (
            warnings.catch_warnings(),
            open(os.devnull, 'w') as nowhere,
            contextlib.redirect_stdout(nowhere),
        ):
            warnings.simplefilter('ignore')
            yield
    finally:
        for logger, level in zip(loggers, levels):
            logger.setLevel(level)


def _first_line(error: Any) -> str:
    lines = [line for line in str(error.__cause__ or error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:200]
