"""cuDNN's LSTM at a size that others have published: B = 16, T = 1024, h = 768.

FlashRNN (Pöppel et al. 2024, github.com/NX-AI/flashrnn, figure ``head_dim--lstm.svg``) gives
2.01 ms for a forward pass of ``torch.nn.LSTM`` in float16 and 5.19 ms with its gradient, on an
H100. Here as there: the mean of repeated calls behind one another, the input product with them.
"""

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.gpu import parts
from implementations import CPU

PUBLISHED = {"forward": 2.01, "gradient": 5.19}  # milliseconds, float16
SECONDS = 1.0  # of calls, for each row


def main(arguments: argparse.Namespace) -> None:
    """Time it in three types and write ``published_point.json``."""
    if "pytorch" not in parts.there(arguments.frameworks):
        return
    import torch

    from implementations.pytorch.model import on

    device = on(arguments.device)
    batch, length, size = (2, 3, 4) if arguments.dry else (16, 1024, 768)
    rows = []
    for dtype in (torch.float16, torch.bfloat16, torch.float32):
        layer = torch.nn.LSTM(size, size, device=device, dtype=dtype)
        x = torch.randn(length, batch, size, device=device, dtype=dtype)
        calls = {"forward": partial(_forward, layer, x), "gradient": partial(_gradient, layer, x)}
        for name, call in calls.items():
            ms = _milliseconds(call, device, arguments.dry)
            kind = str(dtype).removeprefix("torch.")
            rows.append({"dtype": kind, "what": name, "ms": ms})
            same = kind == "float16" and device.type != CPU
            beside = f", published {PUBLISHED[name]}" if same else ""
            print(f"  {kind}, {name}: {ms:.3f} ms{beside}", flush=True)
            path = arguments.output / "published_point.json"
            path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def _forward(layer: Any, x: Any) -> None:
    import torch

    with torch.no_grad():
        layer(x)


def _gradient(layer: Any, x: Any) -> None:
    import torch

    torch.autograd.grad(layer(x)[0].sum(), list(layer.parameters()))


def _milliseconds(call: Callable[[], None], device: Any, dry: bool) -> float:
    """Milliseconds of a call, the mean of a second of them."""
    import torch

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize()

    for _ in range(3):
        call()
    wait()
    begin = time.perf_counter()
    call()
    wait()
    count = 1 if dry else max(3, round(SECONDS / (time.perf_counter() - begin)))
    begin = time.perf_counter()
    for _ in range(count):
        call()
    wait()
    return 1e3 * (time.perf_counter() - begin) / count
