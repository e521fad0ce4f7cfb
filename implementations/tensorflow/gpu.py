"""TensorFlow on a GPU: whether there is one, how exactly it multiplies, what memory it took.

By default TensorFlow lets a recent GPU multiply float32 as TF32, in cuDNN's layers too.
"""

import ctypes
from contextlib import suppress
from typing import Any

from implementations import DEFAULT, IEEE, NoDevice
from implementations.tensorflow.model import tf

NAME = "GPU:0"


def prepare(precision: str) -> dict[str, Any]:
    """Set the precision; see :meth:`implementations.Framework.prepare`."""
    cards = tf.config.list_physical_devices("GPU")
    if not cards:
        raise NoDevice(
            f"device: TensorFlow {tf.__version__} finds no GPU; install tensorflow[and-cuda] and a "
            "driver that is new enough for it, or set device: cpu"
        )
    set_precision(precision)
    return {
        "card": tf.config.experimental.get_device_details(cards[0]).get("device_name", "unknown"),
        **_libraries(),
        "precision": precision_now(),
        "deterministic": False,
    }


def set_precision(precision: str) -> None:
    """Let products in float32 be exact, or as TensorFlow has them."""
    tf.config.experimental.enable_tensor_float_32_execution(precision != IEEE)


def precision_now() -> str:
    """The precision as TensorFlow has it: one of ``PRECISIONS``."""
    return DEFAULT if tf.config.experimental.tensor_float_32_execution_enabled() else IEEE


def peak_mb() -> float:
    """The most memory that TensorFlow's allocator has had in use, in MB."""
    return float(tf.config.experimental.get_memory_info(NAME)["peak"]) / 1e6


def _libraries() -> dict[str, str | None]:
    """CUDA's and cuDNN's versions as they are loaded, or else those that it was built for.

    TensorFlow tells only what it was built for, so the libraries are asked.
    """
    built = tf.sysconfig.get_build_info()
    cuda, cudnn = built.get("cuda_version"), built.get("cudnn_version")
    with suppress(OSError, AttributeError):
        version = ctypes.c_int()
        runtime = ctypes.CDLL(f"libcudart.so.{cuda.partition('.')[0]}")
        runtime.cudaRuntimeGetVersion(ctypes.byref(version))
        cuda = f"{version.value // 1000}.{version.value // 10 % 100}"
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(f"libcudnn.so.{cudnn}")
        library.cudnnGetVersion.restype = ctypes.c_size_t
        found = library.cudnnGetVersion()
        cudnn = f"{found // 10000}.{found // 100 % 100}.{found % 100}"
    return {"cuda": cuda, "cudnn": cudnn}
