"""Compares routing.py and near.py with another implementation's values: mangrove.py FOLDER, that of tiny-mangrove.

Routing from the reference's logits and from the router's product, and outputs of the experts. Both sides have float32
products in an order of their own, so each is within the radius of the exact value.
"""

import json
import pathlib
import struct
import sys
import types

import numpy as np

import near
import numerics
import routing

TYPES = {"F32": np.float32, "BF16": np.uint16, "U8": np.uint8, "I32": np.int32, "I64": np.int64}
LAYERS, SLOTS = 4, 4


def tensors(path):
    data = path.read_bytes()
    length, = struct.unpack_from("<Q", data)
    made = {}
    for name, entry in json.loads(data[8:8 + length]).items():
        if name != "__metadata__":
            begin, end = (8 + length + offset for offset in entry["data_offsets"])
            values = np.frombuffer(data[begin:end], TYPES[entry["dtype"]]).reshape(entry["shape"])
            made[name] = numerics.load(values, "bf16") if entry["dtype"] == "BF16" else values
    return made


def matrices(model, name):
    """Codes [E, N, K] of I2S as weights, with alpha per column."""
    packed = model[f"{name}.codes"]
    codes = packed[..., None] >> np.array([0, 2, 4, 6], np.uint8) & 3
    w = codes.reshape(*packed.shape[:2], -1).astype(np.int8) - 1
    return types.SimpleNamespace(w=w, kind="column", group=0, alpha=model[f"{name}.alpha"], rotation=0, signs=None)


def check(holds, what):
    if not holds:
        sys.exit(f"tiny-mangrove: {what}")


def product_bound(x, w):
    """How far two sums in float32 of the same terms are from each other."""
    return 2 * (x.shape[1] + 8) * 2.0 ** -24 * (np.abs(x.astype(np.float64)) @ np.abs(w.astype(np.float64)).T)


def routing_agrees(layer, x, router, reference):
    """How many rows have the reference's ids and weights for sure: its margin is above what probabilities may move by.
    """
    logits, ids, weights, margin = (reference[f"router.{name}"] for name in ("logits", "ids", "weights", "margin"))
    product = routing.router_logits(x, router, None, "f32")
    bound = product_bound(x, router)
    check((np.abs(product.astype(np.float64) - logits) <= bound).all(), f"router's product of layer {layer}")
    sure = 0
    for given, moved in ((logits, np.zeros(len(x))), (product, bound.max(axis=1))):
        # Logits that move by b move log p by 2 b at most; exp, the sum of 16 and the division by less than 2^-18.
        apart = np.expm1(2 * moved + 2.0 ** -18)
        safe = margin > 2 * apart
        chosen, of_chosen = by_id(*routing.route(given, "softmax_topk", SLOTS, renormalise=True))
        expected, of_expected = by_id(ids, weights)
        check((chosen == expected)[safe].all(), f"ids of layer {layer}")
        check((np.abs(of_chosen - of_expected) <= 2 * apart[:, None])[safe].all(), f"weights of layer {layer}")
        sure += int(safe.sum())
    return sure


def by_id(ids, weights):
    """Slots in ascending order of their ids: two whose weights are close may change places."""
    order = np.argsort(ids, axis=1)
    return np.take_along_axis(ids, order, axis=1), np.take_along_axis(weights, order, axis=1).astype(np.float64)


def experts_agree(layer, model, x, reference):
    """The largest distance, over its bound."""
    name = f"model.layers.{layer}.mlp"
    layer_of_experts = types.SimpleNamespace(
        w13=matrices(model, f"{name}.gate_up"), w2=matrices(model, f"{name}.down"), order="gate_up", function="silu",
        limit=0, round_gate_up="f32", round_activation="f32", round_product="f32", round_expert="f32",
        weight_on="output", weight_before_rounding=False, scaling=1.0, combine=True)
    y, radius = near.moe(layer_of_experts, x, reference["router.ids"], reference["router.weights"])
    distance = np.abs(reference["moe.output"] - y) / radius
    check((distance <= 1).all(), f"experts of layer {layer}: {distance.max()} times the bound")
    return distance.max(), np.median(radius / np.abs(y))


def main():
    folder = pathlib.Path(sys.argv[1])
    model, activations = tensors(folder / "model.safetensors"), tensors(folder / "activations.safetensors")
    for layer in range(LAYERS):
        begin = f"layers.{layer}."
        reference = {name[len(begin):]: value for name, value in activations.items() if name.startswith(begin)}
        x = reference["moe.input"]
        sure = routing_agrees(layer, x, model[f"model.layers.{layer}.mlp.gate.weight"], reference)
        worst, tightness = experts_agree(layer, model, x, reference)
        print(f"layer {layer}: {sure} of {2 * len(x)} routings sure and equal; experts within {worst:.4f} of the "
              f"bound, which is {tightness:.1e} of a value")


if __name__ == "__main__":
    main()
