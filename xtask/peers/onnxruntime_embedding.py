"""Embeds texts with onnxruntime for `cargo xtask bench embedding` and prints one line of JSON.

The graph is all-MiniLM-L6-v2 as exporters write it, made here from the same weights; onnxruntime
fuses it when it loads it. `int8` is its own `quantize_dynamic`, a scale for each channel. Texts are
sorted by length and padded to the longest of their batch, as sentence-transformers does it.
"""

import argparse
import json
import time
from pathlib import Path

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import BertWordPieceTokenizer

BATCH = 32


def tensors(path):
    """The floats of a safetensors file by their names."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    found = {}
    for name, entry in json.loads(data[8 : 8 + length]).items():
        if entry.get("dtype") == "F32":
            begin, end = (8 + length + offset for offset in entry["data_offsets"])
            found[name] = numpy.frombuffer(data[begin:end], numpy.float32).reshape(entry["shape"])
    return found


class Graph:
    """Collects operators; each method answers the name of its result."""

    def __init__(self, weights):
        self.weights, self.nodes, self.constants = weights, [], []

    def constant(self, value):
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(numpy.ascontiguousarray(value), name))
        return name

    def add(self, operator, *inputs, **attributes):
        name = f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name=name, **attributes))
        return name

    def dense(self, name, value):
        product = self.add("MatMul", value, self.constant(self.weights[f"{name}.weight"].T))
        return self.add("Add", self.constant(self.weights[f"{name}.bias"]), product)

    def norm(self, name, value):
        scale, bias = (self.constant(self.weights[f"{name}.LayerNorm.{part}"]) for part in ("weight", "bias"))
        return self.add("LayerNormalization", value, scale, bias, epsilon=1e-12, axis=-1)

    def heads(self, name, value, order):
        split = self.add("Reshape", self.dense(name, value), self.constant(numpy.array([0, 0, 12, 32])))
        return self.add("Transpose", split, perm=order)

    def attention(self, name, value, mask):
        query = self.heads(f"{name}.self.query", value, [0, 2, 1, 3])
        key = self.heads(f"{name}.self.key", value, [0, 2, 3, 1])
        values = self.heads(f"{name}.self.value", value, [0, 2, 1, 3])
        scores = self.add("Div", self.add("MatMul", query, key), self.constant(numpy.float32(32**0.5)))
        weights = self.add("Softmax", self.add("Add", scores, mask), axis=-1)
        context = self.add("Transpose", self.add("MatMul", weights, values), perm=[0, 2, 1, 3])
        merged = self.add("Reshape", context, self.constant(numpy.array([0, 0, 384])))
        return self.norm(f"{name}.output", self.add("Add", self.dense(f"{name}.output.dense", merged), value))

    def gelu(self, value):
        error = self.add("Erf", self.add("Div", value, self.constant(numpy.float32(2**0.5))))
        product = self.add("Mul", value, self.add("Add", error, self.constant(numpy.float32(1))))
        return self.add("Mul", product, self.constant(numpy.float32(0.5)))

    def layer(self, name, value, mask):
        value = self.attention(f"{name}.attention", value, mask)
        inner = self.gelu(self.dense(f"{name}.intermediate.dense", value))
        return self.norm(f"{name}.output", self.add("Add", self.dense(f"{name}.output.dense", inner), value))


def model(weights):
    graph = Graph(weights)
    words = graph.add("Gather", graph.constant(weights["embeddings.word_embeddings.weight"]), "ids")
    segment = weights["embeddings.token_type_embeddings.weight"][0]
    table = graph.constant(weights["embeddings.position_embeddings.weight"] + segment)
    positions = graph.add("Gather", table, "positions")
    value = graph.norm("embeddings", graph.add("Add", words, positions))
    one = graph.constant(numpy.float32(1))
    absent = graph.add("Mul", graph.add("Sub", one, "mask"), graph.constant(numpy.float32(-1e9)))
    mask = graph.add("Unsqueeze", absent, graph.constant(numpy.array([1, 2])))
    for number in range(6):
        value = graph.layer(f"encoder.layer.{number}", value, mask)
    graph.add("Identity", value)
    graph.nodes[-1].output[0] = "states"
    inputs = [
        helper.make_tensor_value_info("ids", TensorProto.INT64, ["texts", "pieces"]),
        helper.make_tensor_value_info("positions", TensorProto.INT64, ["pieces"]),
        helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["texts", "pieces"]),
    ]
    output = helper.make_tensor_value_info("states", TensorProto.FLOAT, ["texts", "pieces", 384])
    graph = helper.make_graph(graph.nodes, "all-MiniLM-L6-v2", inputs, [output], graph.constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def prepared(folder, precision, cache):
    """The model's file, made once."""
    full, quantised = cache / "f32.onnx", cache / "int8.onnx"
    if not quantised.exists():
        onnx.save(model(tensors(folder / "model.safetensors")), full)
        quantize_dynamic(full, quantised, weight_type=QuantType.QInt8, per_channel=True)
    return quantised if precision == "int8" else full


def embed(session, tokenizer, texts):
    vectors = numpy.zeros((len(texts), 384), numpy.float32)
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    for begin in range(0, len(order), BATCH):
        places = order[begin : begin + BATCH]
        encoded = tokenizer.encode_batch([texts[place] for place in places])
        ids = numpy.array([one.ids for one in encoded], numpy.int64)
        mask = numpy.array([one.attention_mask for one in encoded], numpy.float32)
        feed = {"ids": ids, "positions": numpy.arange(ids.shape[1]), "mask": mask}
        states = session.run(None, feed)[0]
        mean = (states * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
        vectors[places] = mean / numpy.linalg.norm(mean, axis=1, keepdims=True)
    return vectors


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, required=True, help="the folder of the weights")
    parser.add_argument("--cache", type=Path, required=True, help="where the graphs made of them are kept")
    parser.add_argument("--texts", type=Path, required=True, help="a JSON list of texts")
    parser.add_argument("--precision", choices=["f32", "int8"], required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--vectors", type=Path, help="writes the vectors there instead of measuring")
    chosen = parser.parse_args()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = chosen.threads
    path = str(prepared(chosen.model, chosen.precision, chosen.cache))
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    tokenizer = BertWordPieceTokenizer(str(chosen.model / "vocab.txt"), lowercase=True)
    tokenizer.enable_truncation(256)
    tokenizer.enable_padding()
    texts = json.loads(chosen.texts.read_text())
    if chosen.vectors:
        embed(session, tokenizer, texts).tofile(chosen.vectors)
        return
    embed(session, tokenizer, texts[:64])
    done, begin, cpu = 0, time.monotonic(), time.process_time()
    while time.monotonic() - begin < chosen.seconds:
        done += len(embed(session, tokenizer, texts))
    elapsed, cpu = time.monotonic() - begin, time.process_time() - cpu
    alone = []
    for text in texts[:200]:
        begin = time.monotonic()
        embed(session, tokenizer, [text])
        alone.append((time.monotonic() - begin) * 1e3)
    figures = {
        "system": f"onnxruntime {chosen.precision}",
        "threads": chosen.threads,
        "texts_per_second": done / elapsed,
        "texts_per_cpu_second": done / cpu,
        "one_text_ms": float(numpy.median(alone)),
    }
    print(json.dumps(figures))


main()
