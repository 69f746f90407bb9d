"""A compiled backbone that continues uncompiled if the compiler fails."""

from __future__ import annotations

import logging
from typing import Any

import torch
from torch import nn

_LOG = logging.getLogger('pyskl')


def compile_backbone(model: nn.Module, **options: Any) -> nn.Module:
    """Compile the backbone of a recognizer, in place.

    A run has few batch sizes (full and last batches, in training and in testing), so each is
    compiled separately: the compiler fails most often with dynamic sizes. If it fails, the backbone
    runs uncompiled from then on, and a warning says so.

    Args:
        model: a recognizer.
        **options: of torch.compile, other than `dynamic`.

    Returns:
        The model.
    """
    from torch._dynamo.exc import TorchDynamoException  # takes a second to import

    backbone: Any = model.backbone
    backbone.compile(dynamic=False, **options)
    compiled = backbone._compiled_call_impl

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return compiled(*args, **kwargs)
        except TorchDynamoException as error:
            reason = ' '.join(str(error).split('\n')[:2]) or type(error).__name__
            _LOG.warning(
                'PyTorch %s cannot compile %s (%s). It runs uncompiled.',
                torch.__version__,
                type(backbone).__name__,
                reason[:200],
            )
            backbone._compiled_call_impl = None
            return backbone._call_impl(*args, **kwargs)

    backbone._compiled_call_impl = call
    return model
