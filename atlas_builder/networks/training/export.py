"""Trained networks written as models, and read back to train on.

The weights in a model go by the names that the network gives them and are stored in half precision
or, where they have rows, in 8 bits with a scale a row. A row is what makes one value of a layer's
output; Dettmers et al. call this row-wise absolute maximum quantisation [1]_. Weights alone are
stored so: when a model is opened they become single precision, once, and are computed with so.

References
----------
.. [1] Dettmers T, Lewis M, Belkada Y, Zettlemoyer L. LLM.int8(): 8-bit matrix multiplication for
   transformers at scale. NeurIPS (2022). arXiv:2208.07339
"""

from __future__ import annotations

import copy
import json
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from atlas_builder.networks.model import KIND, open_model, refusal_of
from atlas_builder.networks.training.state import set_state
from atlas_builder.runtime.files import replacing

Storage: TypeAlias = Literal["float16", "int8"]

TOLERANCE = 1e-4
"""How far a model's outputs may be from the network's whose weights it stores, as a share of the
largest of them."""

_OPSET = 17
_STEPS = 127  # of 8 bits with a sign, on either side of 0
_STORED, _SCALE, _WIDENED = "/stored", "/scale", "/widened"


@dataclass(frozen=True)
class Interface:
    """What a model takes and gives.

    Attributes
    ----------
    inputs, outputs : tuple of str
        Names, in the order of the network's arguments and results.
    free_axes : mapping of str to tuple of int
        Axes of inputs and outputs whose lengths are free.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    free_axes: Mapping[str, tuple[int, ...]]


def write_model(
    path: Path,
    network: nn.Module,
    example: Sequence[Tensor],
    interface: Interface,
    kind: str,
    description: Mapping[str, Any],
    storage: Storage,
) -> None:
    """Write a network as a model, and beside it a JSON file that says what it is.

    What is written is opened and compared with the network before it gets its name.

    Parameters
    ----------
    path : Path
        The ONNX file; the folder is made if need be.
    network : nn.Module
        In evaluation mode, on the CPU.
    example : sequence of Tensor
        Arguments that the network can be run with.
    interface : Interface
        What the model takes and gives.
    kind : str
        Which network it is, for `open_model`.
    description : mapping
        What the JSON file holds.
    storage : {'float16', 'int8'}
        How weights are stored; with ``int8`` those without rows stay in single precision.

    Raises
    ------
    ValueError
        The model's outputs are not the network's, within `TOLERANCE`.
    """
    model = _exported(network, example, interface)
    _store(model, storage)
    helper.set_model_props(model, {KIND: kind})
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        partial.write_bytes(model.SerializeToString(deterministic=True))
        _check(partial, network, example, interface, kind)
    with replacing(path.with_suffix(".json")) as partial:
        partial.write_text(json.dumps(description, indent=2) + "\n", "utf-8")


def read_state(path: Path, kind: str, into: nn.Module) -> None:
    """Read a model's weights into a network.

    Parameters
    ----------
    path : Path
        The ONNX file.
    kind : str
        Which network it must be.
    into : nn.Module
        Changed in place.

    Raises
    ------
    InputError
        The file is missing, damaged or of another network.
    """
    try:
        model = onnx.load(path)
        found = {entry.key: entry.value for entry in model.metadata_props}.get(KIND)
        if found != kind:
            raise ValueError(f"it holds {found or 'an unknown network'}")
        set_state(into, _stored_state(model))
    except (OSError, ValueError, KeyError, DecodeError) as error:
        raise refusal_of(path, kind, str(error)) from None


def _exported(
    network: nn.Module, example: Sequence[Tensor], interface: Interface
) -> onnx.ModelProto:
    """Return the network in single precision, each weight under its own name."""
    names = (*interface.inputs, *interface.outputs)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter, about itself
        path = Path(folder) / "model.onnx"
        torch.onnx.export(
            network,
            tuple(example),
            str(path),
            input_names=list(interface.inputs),
            output_names=list(interface.outputs),
            dynamic_axes={
                name: {axis: f"{name}_{axis}" for axis in interface.free_axes[name]}
                for name in names
                if name in interface.free_axes
            },
            opset_version=_OPSET,
            # Folded or fused, weights would lose their names; ONNX Runtime does both when it opens.
            do_constant_folding=False,
            training=torch.onnx.TrainingMode.PRESERVE,
            dynamo=False,
        )
        return onnx.load(path)


def _store(model: onnx.ModelProto, storage: Storage) -> None:
    """Replace weights by what is stored of them and the nodes that widen it."""
    graph = model.graph
    kept, nodes = [], []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or (storage == "int8" and values.ndim < 2):
            kept.append(tensor)
            continue
        name = tensor.name
        if storage == "float16":
            kept.append(numpy_helper.from_array(values.astype(np.float16), name + _STORED))
            nodes.append(helper.make_node("Cast", [name + _STORED], [name], to=TensorProto.FLOAT))
            continue
        stored, scale = _in_8_bits(values)
        kept.append(numpy_helper.from_array(stored, name + _STORED))
        kept.append(numpy_helper.from_array(scale, name + _SCALE))
        # Not DequantizeLinear, which is computed anew in every run instead of when it is opened.
        widened = name + _WIDENED
        nodes.append(helper.make_node("Cast", [name + _STORED], [widened], to=TensorProto.FLOAT))
        nodes.append(helper.make_node("Mul", [widened, name + _SCALE], [name]))
    nodes.extend(graph.node)
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(nodes)


def _in_8_bits(values: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    axes = tuple(range(1, values.ndim))
    scale = np.maximum(np.abs(values).max(axis=axes, keepdims=True), 1e-12) / np.float32(_STEPS)
    return np.rint(values / scale).astype(np.int8), scale.astype(np.float32)


def _stored_state(model: onnx.ModelProto) -> dict[str, Tensor]:
    """Return the weights of a model in single precision, by name."""
    stored = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    state: dict[str, NDArray[Any]] = {}
    for name, values in stored.items():
        if name.endswith(_SCALE):
            continue
        if not name.endswith(_STORED):
            state[name] = values
            continue
        own = name.removesuffix(_STORED)
        scale = stored.get(own + _SCALE)
        widened = values.astype(np.float32)
        state[own] = widened if scale is None else widened * scale
    for node in model.graph.node:  # weights of the same values share one
        if node.op_type == "Identity" and node.input[0] in state:
            state[node.output[0]] = state[node.input[0]]
    return {
        name: torch.from_numpy(np.array(values))
        for name, values in state.items()
        if values.dtype == np.float32
    }


def _check(
    path: Path, network: nn.Module, example: Sequence[Tensor], interface: Interface, kind: str
) -> None:
    """See that a model gives what the network gives with the weights as they are stored."""
    stored = copy.deepcopy(network)
    set_state(stored, _stored_state(onnx.load(path)))
    with torch.inference_mode():
        expected = stored(*example)
    expected = expected if isinstance(expected, tuple) else (expected,)
    inputs = dict(zip(interface.inputs, (one.numpy() for one in example), strict=True))
    found = open_model(path, kind).run(**inputs)
    for name, ours, theirs in zip(interface.outputs, found, expected, strict=True):
        reference = theirs.numpy()
        error = float(np.abs(ours - reference).max() / max(float(np.abs(reference).max()), 1.0))
        if not error <= TOLERANCE:
            raise ValueError(f"the model's {name} differ from the network's by {error:.1e}")
