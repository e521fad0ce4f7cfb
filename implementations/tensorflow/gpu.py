"""TensorFlow on a GPU: whether there is one, how exactly it multiplies, what memory it took.

Written from its documentation; nobody has tried it on a GPU yet. By default TensorFlow lets a
recent GPU multiply float32 as TF32, in cuDNN's layers too.
"""

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
    about, build = (
        tf.config.experimental.get_device_details(cards[0]),
        tf.sysconfig.get_build_info(),
    )
    return {
        "card": about.get("device_name", "unknown"),
        "cuda": build.get("cuda_version"),
        "cudnn": build.get("cudnn_version"),
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
