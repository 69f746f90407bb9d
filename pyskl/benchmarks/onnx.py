"""What tools/benchmark.py times of exported networks: onnxruntime's answer for one clip."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..apis import init_recognizer
from ..apis.export import graph_with_steps
from ..export.writing import as_onnx, trace
from ..onnx import OnnxRecognizer
from ..onnx.about import KEY

# Whether what the extra `onnx` installs is here.
IS_INSTALLED = all(importlib.util.find_spec(name) for name in ('onnx', 'onnxscript', 'onnxruntime'))


def onnx_call(config: Path, clip: Mapping[str, Any], threads: int) -> Callable[[], None]:
    """Return what answers for an annotated clip with all its views, sampling included."""
    graph, about = graph_with_steps(init_recognizer(config, device='cpu'))
    content = as_onnx(graph, trace(graph), about.to_json(), KEY)
    recognise = OnnxRecognizer('benchmark.onnx', threads=threads, content=content)

    def answer() -> None:
        list(recognise.class_scores([clip]))

    return answer
