"""A compiled backbone that goes on uncompiled where the compiler fails."""

from __future__ import annotations

import logging
from typing import Any

import torch
from torch import nn

_LOG = logging.getLogger('pyskl')


def compile_backbone(model: nn.Module, **options: Any) -> nn.Module:
    """Compile the backbone of a recognizer, in place.

    The batches of a run have few sizes (a full one, the last one, in training and in testing), so each
    is compiled for itself; sizes left open are where the compiler of today fails most. What it cannot
    compile is computed as it stands from then on, and one line says so.

    Args:
        model: with a `backbone`.
        options: of torch.compile, beside `dynamic`.

    Returns:
        The model.
    """
    from torch._dynamo.exc import TorchDynamoException  # a second of imports

    backbone = model.backbone
    backbone.compile(dynamic=False, **options)
    compiled = backbone._compiled_call_impl

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return compiled(*args, **kwargs)
        except TorchDynamoException as error:
            reason = ' '.join(str(error).split('\n')[:2]) or type(error).__name__
            _LOG.warning(
                'PyTorch %s cannot compile %s (%s). It goes on uncompiled.',
                torch.__version__,
                type(backbone).__name__,
                reason[:200],
            )
            backbone._compiled_call_impl = None
            return backbone._call_impl(*args, **kwargs)

    backbone._compiled_call_impl = call
    return model
