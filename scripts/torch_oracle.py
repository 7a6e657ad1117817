#!/usr/bin/env python3
"""Opens a model file with Python's safetensors, puts its tensors unchanged into torch.nn, and scores a text with it.

  python scripts/torch_oracle.py MODEL.safetensors TEXT.txt

Prints one JSON line: symbols scored and the mean loss in nats, to be compared with `rnnkit evaluate MODEL TEXT --json`.
Needs torch, numpy and safetensors, in an environment of their own. For models with a one-hot or embedded input, one kind of cell,
one width, a head at every step, and a vocabulary of characters.
"""
import json
import sys

import torch
from safetensors import safe_open

CELLS = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "elmanTanh": torch.nn.RNN, "elmanRelu": torch.nn.RNN}


def vocabulary(tensors):
    """The symbols, from their UTF-8 text and the offsets at which each begins."""
    text, offsets = bytes(tensors["vocabulary.text"].tolist()), tensors["vocabulary.offsets"].tolist()
    return [text[a:b].decode("utf-8") for a, b in zip(offsets, offsets[1:])]


def main(model_path, text_path):
    with safe_open(model_path, "pt") as file:
        spec, tensors = json.loads(file.metadata()["model"]), {name: file.get_tensor(name) for name in file.keys()}
    cells = {layer["cell"] for layer in spec["layers"]}
    sizes = {layer["size"] for layer in spec["layers"]}
    assert len(cells) == 1 and len(sizes) == 1, "one kind of cell and one width"
    (cell,), (size,) = cells, sizes
    one_hot = spec["input"]["kind"] == "oneHot"
    width = spec["input"]["vocabulary"] if one_hot else spec["input"]["size"]
    extra = {"nonlinearity": "relu"} if cell == "elmanRelu" else {}
    rnn = CELLS[cell](width, size, len(spec["layers"]), **extra)
    rnn.load_state_dict({name: tensors[name] for name in rnn.state_dict()}, strict=True)

    symbols = vocabulary(tensors)
    index = {symbol: i for i, symbol in enumerate(symbols)}
    ids = torch.tensor([index[symbol] for symbol in open(text_path, encoding="utf-8", newline="").read()])
    x = torch.nn.functional.one_hot(ids, len(symbols)).float() if one_hot else tensors["embedding.weight"][ids]
    total, state = 0.0, None
    with torch.no_grad():
        for start in range(0, len(ids) - 1, 1000):
            stop = min(start + 1000, len(ids) - 1)
            output, state = rnn(x[start:stop, None], state)
            logits = output[:, 0] @ tensors["head.weight"].t() + tensors["head.bias"]
            total += torch.nn.functional.cross_entropy(logits.double(), ids[start + 1 : stop + 1], reduction="sum").item()
    print(json.dumps({"symbols": len(ids) - 1, "loss": total / (len(ids) - 1)}))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
