"""Layer normalisation in an exported ONNX graph: one operator instead of the ten that the export makes of it."""

from pathlib import Path
from typing import Any


def fuse_normalisations(path: Path) -> int:
    """Replace each layer normalisation of a file, which the export has taken apart, by the operator of that name.

    Returns:
        The number of replacements.
    """
    import onnx

    model = onnx.load(path)
    graph = model.graph
    makers = {output: node for node in graph.node for output in node.output}
    constants = {constant.name: constant for constant in graph.initializer}
    fused = 0
    for place, node in enumerate(graph.node):
        if found := _normalisation(node, makers):
            inputs, added = found
            epsilon = float(onnx.numpy_helper.to_array(constants[added]).item())
            names = [inputs, list(node.output), node.name]
            layer = onnx.helper.make_node("LayerNormalization", *names, axis=-1, epsilon=epsilon)
            graph.node[place].CopyFrom(layer)
            fused += 1
    _drop_unused(graph)
    onnx.save(model, path)
    return fused


def _normalisation(last: Any, makers: dict[str, Any]) -> tuple[list[str], str] | None:
    """Return the input, scale and shift of the layer normalisation that ends in a node, and the name of its epsilon.

    It is (x - mean(x)) * (1 / sqrt(mean((x - mean(x))^2) + epsilon) * scale) + shift.
    """

    def inputs(name: str, kind: str) -> list[str]:
        maker = makers.get(name)
        return list(maker.input) if maker is not None and maker.op_type == kind else ["", ""]

    shifted = list(last.input) if last.op_type == "Add" else ["", ""]
    centred, factor = inputs(shifted[0], "Mul")
    inverse, scale = inputs(factor, "Mul")
    variance, epsilon = inputs(inputs(inputs(inverse, "Reciprocal")[0], "Sqrt")[0], "Add")
    square = inputs(inputs(variance, "ReduceMean")[0], "Mul")
    whole, mean = inputs(centred, "Sub")
    if not whole or square != [centred, centred] or inputs(mean, "ReduceMean")[0] != whole:
        return None
    return [whole, scale, shifted[1]], epsilon


def _drop_unused(graph: Any) -> None:
    """Remove the nodes and constants whose results are used nowhere."""
    while True:
        used = {name for node in graph.node for name in node.input} | {output.name for output in graph.output}
        unused = [node for node in graph.node if not used.intersection(node.output)]
        if not unused:
            break
        for node in unused:
            graph.node.remove(node)
    for constant in [constant for constant in graph.initializer if constant.name not in used]:
        graph.initializer.remove(constant)
