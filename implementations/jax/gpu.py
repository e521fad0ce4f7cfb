"""JAX on a GPU: whether there is one, how exactly it multiplies, what memory it took.

By default JAX lets a recent GPU multiply float32 as TF32; ``jax_default_matmul_precision`` is
``highest`` where it may not, in cuDNN's LSTM too.
"""

from contextlib import suppress
from typing import Any

import jax

from implementations import DEFAULT, IEEE, NoDevice

_SETTING = "jax_default_matmul_precision"


def prepare(precision: str) -> dict[str, Any]:
    """Set the precision; see :meth:`implementations.Framework.prepare`."""
    try:
        card = jax.devices("gpu")[0]
    except (RuntimeError, AssertionError) as error:  # an assertion where no plugin is installed
        reason = (str(error).strip() or "no plugin for CUDA").splitlines()[0].rstrip(".")
        raise NoDevice(
            f"device: JAX {jax.__version__} finds no GPU ({reason}); install jax[cuda13] and a "
            "driver that is new enough for it, or set device: cpu"
        ) from error
    set_precision(precision)
    return {
        "card": card.device_kind,
        **_libraries(),
        "precision": precision_now(),
        "deterministic": False,  # XLA may choose another kernel when it compiles again
    }


def set_precision(precision: str) -> None:
    """Let products in float32 be exact, or as JAX has them."""
    jax.config.update(_SETTING, "highest" if precision == IEEE else None)  # type: ignore[no-untyped-call]


def precision_now() -> str:
    """The precision as JAX has it: one of ``PRECISIONS``, or its own word."""
    now = getattr(jax.config, _SETTING)
    return {None: DEFAULT, "highest": IEEE}.get(now, str(now))


def peak_mb() -> float:
    """The most memory that JAX's allocator has had in use, in MB."""
    found = jax.devices("gpu")[0].memory_stats() or {}
    return float(found.get("peak_bytes_in_use", float("nan"))) / 1e6


def _libraries() -> dict[str, str | None]:
    """CUDA's and cuDNN's versions as they are loaded; JAX has no public name for them."""
    found: dict[str, str | None] = {"cuda": None, "cudnn": None}
    with suppress(ImportError, AttributeError, RuntimeError):
        from jax._src.lib import cuda_versions

        its: Any = cuda_versions
        cuda, cudnn = its.cuda_runtime_get_version(), its.cudnn_get_version()
        found["cuda"] = f"{cuda // 1000}.{cuda // 10 % 100}"
        found["cudnn"] = f"{cudnn // 10000}.{cudnn // 100 % 100}.{cudnn % 100}"
    return found
