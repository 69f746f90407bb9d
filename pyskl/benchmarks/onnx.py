"""A call to time: onnxruntime's answer for one clip."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..apis import init_recognizer
from ..apis.export import graph_with_steps
from ..export.writing import as_onnx, traced
from ..onnx import OnnxRecognizer
from ..onnx.about import KEY

# Whether the packages of the extra `onnx` are installed.
IS_INSTALLED = all(importlib.util.find_spec(name) for name in ('onnx', 'onnxscript', 'onnxruntime'))


def onnx_call(config: Path, clip: Mapping[str, Any], threads: int) -> Callable[[], None]:
    """Return a function that recognises an annotated clip with all its views, sampling included.

    Args:
        config: config of the network, whose weights are random.
        clip: annotation of the clip.
        threads: threads for onnxruntime.
    """
    graph, about = graph_with_steps(init_recognizer(config, device='cpu'))
    content = as_onnx(graph, traced(graph), about.to_json(), KEY)
    recognise = OnnxRecognizer('benchmark.onnx', threads=threads, content=content)

    def recognise_clip() -> None:
        list(recognise.class_scores([clip]))

    return recognise_clip
