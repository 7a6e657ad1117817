#!/usr/bin/env python3
"""The work list in PyTorch on a GPU: torch_gpu.py LIST.json [--seconds 4] [--device cuda|cpu] [--graph]

Prints one JSON line for each workload and precision, with the names of the bench's own lines. Exit status 3: there is no PyTorch, or it
has no such device.

A training step as people write it: ids -> F.one_hot (or nn.Embedding, where the workload names one; numbers as they are) -> nn.LSTM, nn.GRU
or nn.RNN, which is cuDNN -> nn.Linear -> cross-entropy (of numbers the mean squared error) -> backward -> clip_grad_norm_ at 1 -> fused optimizer, the state carried and detached. Nothing in a step
waits for the device.

f32  PyTorch's defaults: cuDNN may use TF32 in its products.
f16  autocast(float16), without a gradient scaler, which would only slow it down.
--graph adds `graph`: the whole step captured in a CUDA graph and replayed.

Time is the wall clock between synchronisations, over chunks of about 50 ms; the median step counts, each chunk once for each of its steps.
"""

import argparse
import json
import sys
import time

WARM_UP_STEPS = 6
CHUNK_SECONDS = 0.05
WINDOWS = 16


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("list")
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--graph", action="store_true")
    arguments = parser.parse_args()
    try:
        import torch
    except ImportError as error:
        return missing(f"there is no PyTorch: {error}")
    if arguments.device == "cuda" and not torch.cuda.is_available():
        return missing(f"PyTorch {torch.__version__} finds no CUDA device")
    with open(arguments.list, encoding="utf8") as file:
        workloads = json.load(file)
    replay = [False, True] if arguments.graph else [False]
    for precision in ("f32", "f16"):
        for name, workload in workloads.items():
            for graph in replay:
                line = describe(torch, arguments.device, name, workload, precision, graph)
                try:
                    line.update(measure(torch, arguments.device, workload, precision, graph, arguments.seconds))
                except RuntimeError as error:
                    line["error"] = str(error).splitlines()[0]
                    print(f"torch_gpu: {name} {precision}: {line['error']}", file=sys.stderr)
                print(json.dumps(line), flush=True)
    return 0


def missing(reason):
    print(f"torch_gpu: {reason}", file=sys.stderr)
    return 3


def describe(torch, device, name, workload, precision, graph):
    on_gpu = device == "cuda"
    idiom = "numbers" if "in" in workload else "embedding" if "embed" in workload else "one-hot"
    return {
        "peer": "pytorch",
        "version": torch.__version__,
        "workload": name,
        "device": "gpu" if on_gpu else "cpu",
        "adapter": torch.cuda.get_device_name() if on_gpu else "cpu",
        "cudnn": torch.backends.cudnn.version() if on_gpu else None,
        "precision": precision,
        "idiom": idiom + (" graph" if graph else ""),
    }


def measure(torch, device, workload, precision, graph, seconds):
    torch.manual_seed(1)
    synchronize = torch.cuda.synchronize if device == "cuda" else lambda: None
    step = training_step(torch, device, workload, precision, capturable=graph)
    if graph:
        step = captured(torch, step)
    began = time.perf_counter()
    step()
    synchronize()
    first = time.perf_counter() - began
    began = time.perf_counter()
    for _ in range(WARM_UP_STEPS):
        step()
    synchronize()
    chunk = max(1, round(CHUNK_SECONDS * WARM_UP_STEPS / (time.perf_counter() - began)))
    chunks = []
    began = last = time.perf_counter()
    while last - began < seconds or len(chunks) < 3:
        for _ in range(chunk):
            step()
        synchronize()
        now = time.perf_counter()
        chunks.append((now - last) / chunk)
        last = now
    median = sorted(chunks)[len(chunks) // 2]
    symbols = workload["B"] * workload["T"]
    return {
        "tokens_per_s": round(symbols / median),
        "step_ms_median": round(1000 * median, 3),
        "first_step_s": round(first, 2),
        "gflops": round(workload["usefulFlops"] / median / 1e9, 2),
        "steps": chunk * len(chunks),
        "timing": "synchronised chunks",
    }


def training_step(torch, device, workload, precision, capturable):
    """A function that makes one step on the next window and waits for nothing."""
    functional = torch.nn.functional
    lanes = workload["B"]
    model = build(torch, workload).to(device)
    parameters = list(model.parameters())
    if workload["opt"] == "adam":
        optimizer = torch.optim.Adam(parameters, lr=workload["lr"], fused=True, capturable=capturable)
    elif workload["opt"] == "adagrad":
        optimizer = torch.optim.Adagrad(parameters, lr=workload["lr"])
    else:
        optimizer = torch.optim.SGD(parameters, lr=workload["lr"], fused=True)
    inputs, targets = windows(torch, device, workload)
    loss_of = functional.mse_loss if "in" in workload else functional.cross_entropy
    state = model.zero_state(lanes, device, torch.float16 if precision == "f16" else torch.float32)
    position = 0

    def step():
        nonlocal position, state
        window = position % WINDOWS
        position += 1
        # the cast weights of a captured step would be kept from one replay to the next
        with torch.autocast(device, torch.float16, enabled=precision == "f16", cache_enabled=not capturable):
            outputs, after = model(inputs[window], state)
            loss = loss_of(outputs.reshape(-1, outputs.shape[-1]), targets[window])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0, foreach=True)
        optimizer.step()
        optimizer.zero_grad(set_to_none=not capturable)
        if not capturable:
            state = [made.detach() for made in after]
            return
        # a captured step reads and writes the same memory each time
        with torch.no_grad():
            for kept, made in zip(state, after):
                kept.copy_(made)

    return step


def windows(torch, device, workload):
    """Inputs [T, N] or [T, N, in], and targets of each window: random, for only speed is measured."""
    shape = (WINDOWS, workload["T"] + 1, workload["B"])
    if "in" in workload:
        data = torch.rand((*shape, workload["in"]), device=device)
    else:
        data = torch.randint(0, workload["vocab"], shape, device=device)
    every_step = workload["head"] == "all"
    return (
        [window[:-1].contiguous() for window in data],
        [window[1:].flatten(0, 1) if every_step else window[-1] for window in data],
    )


def captured(torch, step):
    """The same window every time: only speed is measured."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def build(torch, workload):
    nn, functional = torch.nn, torch.nn.functional
    hidden, layers, vocabulary = workload["hidden"], workload["layers"], workload["vocab"]
    cell, share = workload["cell"], workload.get("dropout", 0.0)

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            width = workload.get("in") or workload.get("embed", vocabulary)
            self.embedding = nn.Embedding(vocabulary, width) if "embed" in workload else None
            sizes = {"num_layers": layers, "dropout": share if layers > 1 else 0.0}
            if cell == "lstm":
                self.rnn = nn.LSTM(width, hidden, **sizes)
            elif cell == "gru":
                self.rnn = nn.GRU(width, hidden, **sizes)
            else:
                self.rnn = nn.RNN(width, hidden, nonlinearity=cell.removeprefix("rnn_"), **sizes)
            if cell == "rnn_relu":
                nn.init.eye_(self.rnn.weight_hh_l0)
            self.head = nn.Linear(hidden, workload.get("in", vocabulary))

        def zero_state(self, lanes, device, dtype):
            count = 2 if cell == "lstm" else 1
            return [torch.zeros(layers, lanes, hidden, device=device, dtype=dtype) for _ in range(count)]

        def forward(self, x, state):
            if self.embedding is not None:
                x = self.embedding(x)
            elif "in" not in workload:
                x = functional.one_hot(x, vocabulary).float()
            y, after = self.rnn(x, tuple(state) if cell == "lstm" else state[0])
            y = y if workload["head"] == "all" else y[-1]
            if share > 0:
                y = functional.dropout(y, share, self.training)
            return self.head(y), after if cell == "lstm" else (after,)

    return Model()


if __name__ == "__main__":
    sys.exit(main())
