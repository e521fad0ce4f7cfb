"""PyTorch on a GPU: whether there is one, how exactly it multiplies, what memory it took.

PyTorch multiplies matrices in float32 as IEEE 754 has it, but lets cuDNN use TF32 unless told
otherwise. The switches are one for each library; the one above them all,
``torch.backends.fp32_precision``, does not reach cuDNN's recurrent layers.
"""

from typing import Any

import torch

from implementations import DEFAULT, IEEE, NoDevice

_SWITCHES = {
    "matmul": torch.backends.cuda.matmul,
    "rnn": torch.backends.cudnn.rnn,
    "conv": torch.backends.cudnn.conv,  # type: ignore[attr-defined]
}
# What users get, read before anything is changed.
_AT_FIRST = {name: switch.fp32_precision for name, switch in _SWITCHES.items()}


def prepare(precision: str) -> dict[str, Any]:
    """Set the precision; see :meth:`implementations.Framework.prepare`."""
    try:
        torch.cuda.init()  # type: ignore[no-untyped-call]
    except (AssertionError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise NoDevice(
            f"device: PyTorch {torch.__version__} finds no GPU ({reason}); install a build for "
            "CUDA and a driver that is new enough for it, or set device: cpu"
        ) from error
    set_precision(precision)
    cudnn: int | None = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
    return {
        "card": torch.cuda.get_device_name(),
        "cuda": torch.version.cuda,
        "cudnn": None if cudnn is None else f"{cudnn // 10000}.{cudnn // 100 % 100}.{cudnn % 100}",
        "precision": precision_now(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
    }


def set_precision(precision: str) -> None:
    """Let products and recurrent layers in float32 be exact, or as PyTorch has them."""
    for name, switch in _SWITCHES.items():
        switch.fp32_precision = "ieee" if precision == IEEE else _AT_FIRST[name]


def precision_now() -> str:
    """The precision as PyTorch has it: one of ``PRECISIONS``, or the switches as they are."""
    now = {name: switch.fp32_precision for name, switch in _SWITCHES.items()}
    if set(now.values()) == {"ieee"}:
        return IEEE
    return DEFAULT if now == _AT_FIRST else ", ".join(f"{k} {v}" for k, v in now.items())


def peak_mb() -> float:
    """The most memory that PyTorch's allocator has had in use, in MB."""
    return torch.cuda.max_memory_allocated() / 1e6


def stopwatch() -> tuple[Any, Any]:
    """Two functions: mark the beginning on the device, and seconds from there to its end."""
    begin, end = (
        torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        for _ in range(2)
    )

    def seconds() -> float:
        end.record()
        end.synchronize()
        return float(begin.elapsed_time(end)) / 1e3

    return begin.record, seconds
