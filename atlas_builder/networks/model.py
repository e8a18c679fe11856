"""Networks as files that are run: ONNX models, on ONNX Runtime.

A model holds its weights, in half precision or in 8 bits a value, and the arithmetic that turns
them into single precision when it is opened; it holds no code. A JSON file beside it says what it
is and how it was trained.

References
----------
.. [1] ONNX Runtime developers. ONNX Runtime (2021). https://onnxruntime.ai
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atlas_builder.core.errors import InputError

KIND = "network"
"""The entry of a model's metadata that tells which network it is."""

_SILENT = 4  # of ONNX Runtime's levels: what goes wrong is raised, not printed


@dataclass(frozen=True)
class Model:
    """A network that is ready to run.

    Attributes
    ----------
    session : onnxruntime.InferenceSession
        The opened model.
    """

    session: Any

    def run(self, **inputs: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """Run the network.

        Parameters
        ----------
        **inputs : ndarray of float32
            By the names that the model gives them.

        Returns
        -------
        tuple of ndarray of float32
            In the order of the model's outputs.
        """
        return tuple(np.asarray(output) for output in self.session.run(None, inputs))


def open_model(path: Path, kind: str, threads: int | None = None) -> Model:
    """Open a network's model.

    Parameters
    ----------
    path : Path
        The ONNX file.
    kind : str
        Which network it must be, such as ``infarct-segmenter``.
    threads : int, optional
        Of this process; by default one a core that it may use.

    Returns
    -------
    Model

    Raises
    ------
    InputError
        The file is missing, damaged or of another network.
    """
    import onnxruntime  # noqa: PLC0415 - not needed to read a description

    if not path.is_file():
        raise refusal_of(path, kind, "no such file")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or _cores()
    options.inter_op_num_threads = 1
    # A thread that waits in a loop takes the core from whatever else runs there.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = _SILENT
    try:
        session = onnxruntime.InferenceSession(
            path.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # its errors share no other base
        lines = str(error).splitlines() or [type(error).__name__]
        reason = lines[0].rpartition(" : ")[2].rstrip(".")  # before it stand codes
        raise refusal_of(path, kind, reason) from None
    found = session.get_modelmeta().custom_metadata_map.get(KIND)
    if found != kind:
        raise refusal_of(path, kind, f"it holds {found or 'an unknown network'}")
    return Model(session)


def read_description(path: Path, kind: str) -> dict[str, Any]:
    """Read the JSON file beside a network's model.

    Parameters
    ----------
    path : Path
        The ONNX file.
    kind : str
        Which network it is.

    Returns
    -------
    dict
        What the training wrote.

    Raises
    ------
    InputError
        It is missing or damaged.
    """
    beside = path.with_suffix(".json")
    try:
        content = json.loads(beside.read_text("utf-8"))
        if not isinstance(content, dict):
            raise ValueError("not an object")
    except (OSError, ValueError) as error:
        raise refusal_of(beside, kind, str(error)) from None
    return content


def refusal_of(path: Path, kind: str, reason: str) -> InputError:
    """Return the error that says that a file cannot be read as a network.

    Parameters
    ----------
    path : Path
        The file.
    kind : str
        Which network it was to be.
    reason : str
        What is wrong with it.

    Returns
    -------
    InputError
    """
    return InputError(
        f"{path}: cannot be read as the model of {kind} ({reason}); install aspects-atlas again or "
        "train it anew"
    )


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
