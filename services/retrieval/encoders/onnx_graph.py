"""Write an ONNX graph node by node, with matrix products in float32 or in 8-bit integers."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Numbers = Literal["fp32", "int8"]

OPSET = 20
_CONTRIB = "com.microsoft"  # onnxruntime's own operators
_IR_VERSION = 10  # the newest that onnxruntime 1.20 reads
# Activations use all of uint8 around 128. Weights stay within 7 bits: processors without VNNI add two products of
# a uint8 and an int8 in a saturating int16, and 2 * 255 * 64 is the most that fits. So every processor agrees.
_ACTIVATION_STEPS = 127
_WEIGHT_STEPS = 64
_ZERO_POINT = np.uint8(128)
_TINY = np.float32(1e-20)


class OnnxGraph:
    """A graph under construction; each method adds nodes and returns the name of their result."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}
        self._quantized: dict[str, tuple[str, str]] = {}

    def constant(self, name: str, value: Any) -> str:
        """Keep an array; a name that is taken already keeps its first value."""
        if name not in self._constants:
            self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(value).reshape(np.shape(value)), name)
        return name

    def op(self, operator: str, *inputs: str, contrib: bool = False, **attributes: Any) -> str:
        """Apply an operator with one result."""
        return self.ops(operator, 1, *inputs, contrib=contrib, **attributes)[0]

    def ops(self, operator: str, results: int, *inputs: str, contrib: bool = False, **attributes: Any) -> list[str]:
        """Apply an operator with several results."""
        names = [f"{operator}{len(self._nodes)}_{number}" for number in range(results)]
        domain = _CONTRIB if contrib else ""
        self._nodes.append(helper.make_node(operator, inputs, names, domain=domain, **attributes))
        return names

    def dense(self, x: str, name: str, weight: NDArray[np.float32], bias: NDArray[np.float32] | None = None) -> str:
        """Multiply rows by a matrix, (inputs, outputs), and add the bias.

        In int8 each row has a scale of its own, its largest magnitude, and each column of the matrix too: a row's
        result does not depend on other rows, and one outlying token does not coarsen the rest.
        """
        product = self._integer_product(x, name, weight) if self._numbers == "int8" else self._product(x, name, weight)
        return product if bias is None else self.op("Add", product, self.constant(f"{name}.bias", bias))

    def layer_norm(self, x: str, name: str, gamma: NDArray[np.float32], beta: NDArray[np.float32], eps: float) -> str:
        """Normalise each row."""
        scale, shift = self.constant(f"{name}.gamma", gamma), self.constant(f"{name}.beta", beta)
        return self.op("LayerNormalization", x, scale, shift, axis=-1, epsilon=eps)

    def unit_model(self, x: str, tokens: str, dimension: int) -> bytes:
        """Return `model` of `x`, (1, dimension), scaled to length one."""
        return self.model(self.op("LpNormalization", x, axis=-1, p=2), tokens, dimension)

    def model(self, result: str, tokens: str, columns: int) -> bytes:
        """Return the serialized model from token ids, (1, tokens) of int32, to rows of `columns` numbers."""
        graph = helper.make_graph(
            self._nodes,
            "encoder",
            [helper.make_tensor_value_info(tokens, TensorProto.INT32, [1, "tokens"])],
            [helper.make_tensor_value_info(result, TensorProto.FLOAT, ["rows", columns])],
            list(self._constants.values()),
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(_CONTRIB, 1)]
        return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION).SerializeToString())

    def _product(self, x: str, name: str, weight: NDArray[np.float32]) -> str:
        return self.op("MatMul", x, self.constant(f"{name}.weight", weight))

    def _integer_product(self, x: str, name: str, weight: NDArray[np.float32]) -> str:
        integers, magnitude = self._rows_in_integers(x)
        scale = np.maximum(np.abs(weight).max(axis=0), _TINY) / np.float32(_WEIGHT_STEPS)
        steps = np.round(weight / scale).astype(np.int8)
        product = self.op(
            "MatMulIntegerToFloat",
            integers,
            self.constant(f"{name}.steps", steps),
            self._activation_step(),
            self.constant(f"{name}.scale", scale.astype(np.float32)),
            self._zero_point(),
            contrib=True,
        )
        return self.op("Mul", product, magnitude)

    def _rows_in_integers(self, x: str) -> tuple[str, str]:
        """Return rows as uint8 around 128 and the magnitude of each; made once for all products of the same rows."""
        if x not in self._quantized:
            largest = self.op("ReduceMax", self.op("Abs", x), self.constant("last_axis", np.array([-1])))
            magnitude = self.op("Max", largest, self.constant("tiny", _TINY))
            scaled = self.op("Div", x, magnitude)
            integers = self.op("QuantizeLinear", scaled, self._activation_step(), self._zero_point())
            self._quantized[x] = (integers, magnitude)
        return self._quantized[x]

    def _activation_step(self) -> str:
        return self.constant("activation_step", np.float32(1 / _ACTIVATION_STEPS))

    def _zero_point(self) -> str:
        return self.constant("zero_point", _ZERO_POINT)
