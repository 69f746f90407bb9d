"""Trace the graph, and write it as an ONNX or a .pt2 file."""

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
from torch.export import Dim

from ..errors import ConfigError
from .network import ExportedNetwork
from .pooling import WindowMaxPool

# Axes that some networks fix: torch.export decides whether they are of variable length.
VARIABLE_IF_POSSIBLE = ('frames', 'height', 'width')


def replace_adaptive_pooling(model: nn.Module, rows: int) -> None:
    """Replace adaptive max pooling, for which ONNX has no operation, in place.

    Args:
        model: plain.
        rows: T, the frames of a sample; networks with this pooling take no other number.
    """
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            size = getattr(child, 'output_size', None)
            if isinstance(child, nn.AdaptiveMaxPool2d) and isinstance(size, tuple) and size[1] == 1:
                setattr(parent, name, WindowMaxPool(rows, size[0]))


def trace(network: ExportedNetwork) -> torch.export.ExportedProgram:
    """Trace the graph, with variable axes as `network.dynamic` names them.

    Raises:
        ConfigError: PyTorch cannot trace a layer, for example one of the user's own.
    """
    axes = {name: network.dynamic.get(name, {}) for name in network.inputs}
    shapes = {
        name: {
            axis: Dim.AUTO if called in VARIABLE_IF_POSSIBLE else Dim.DYNAMIC
            for axis, called in named.items()
        }
        for name, named in axes.items()
    }
    try:
        with torch.no_grad(), quiet():
            return torch.export.export(network.eval(), network.example(), dynamic_shapes=shapes)
    except Exception as error:  # whatever a layer raises while it is traced
        raise ConfigError(
            f'{type(network.model.backbone).__name__} cannot be exported: '
            f'PyTorch {torch.__version__} cannot trace it ({_first_line(error)}).'
        ) from error


def as_onnx(
    network: ExportedNetwork, program: torch.export.ExportedProgram, about: str, key: str
) -> bytes:
    """Return the content of an ONNX file, weights included.

    Args:
        network: the traced network.
        program: from `trace`.
        about: text for the file's metadata.
        key: of that text in the metadata.

    Raises:
        ConfigError: PyTorch has no ONNX operation for a layer.
    """
    try:
        with torch.no_grad(), quiet():
            made = torch.onnx.export(
                program,
                input_names=list(network.inputs),
                output_names=list(network.outputs),
                verbose=False,
            )
    except Exception as error:  # see trace
        raise ConfigError(
            f'{type(network.model.backbone).__name__} cannot be exported: '
            f'PyTorch {torch.__version__} cannot write it as ONNX ({_first_line(error)}). '
            'Try a .pt2 file.'
        ) from error
    assert made is not None
    proto = made.model_proto
    # Remove the exporter's notes: stack traces, which hold names of folders.
    for part in (proto.graph, *proto.functions):
        for node in part.node:
            node.ClearField('metadata_props')
            node.ClearField('doc_string')
    proto.producer_name = 'pyskl'
    entry = proto.metadata_props.add()
    entry.key, entry.value = key, about
    return proto.SerializeToString()


def as_pt2(program: torch.export.ExportedProgram, about: str, key: str) -> bytes:
    """Return the content of a .pt2 file, with `about` as its extra file `key`.json."""
    buffer = io.BytesIO()
    torch.export.save(program, buffer, extra_files={f'{key}.json': about})
    return buffer.getvalue()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence the exporters' log lines, warnings and prints, which do not help a user."""
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
