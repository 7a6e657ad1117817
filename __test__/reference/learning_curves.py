#!/usr/bin/env python3
"""Learning curves of real trainings on the real corpora, made with PyTorch on the CPU in float32.

They are statistical references: another library cannot repeat them number by number (its random
numbers differ), but with the same setting it must end in the same range.

  python learning_curves.py run  --work DIR --job NAME --seed N [--seconds S]   one piece of one job
  python learning_curves.py join --work DIR --out learning_curves.json         join the finished jobs

`run` stops after S seconds with a checkpoint in DIR and goes on from it at the next call (exit status
3 = not finished yet, 0 = finished), so that a slow machine can do a long job in short pieces.
The corpora are read from the folder that the environment variable RNNKIT_CORPORA names.
"""
import argparse
import json
import math
import os
import re
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

CORPORA = Path(os.environ.get("RNNKIT_CORPORA", "corpora"))


def read(name):
    return (CORPORA / name).read_text(encoding="utf-8")


def encode(text, vocab_text=None):
    vocab = sorted(set(vocab_text if vocab_text is not None else text))
    index = {c: i for i, c in enumerate(vocab)}
    return torch.tensor([index[c] for c in text]), len(vocab)


def rows(ids, batch):
    """The consecutive ('sequential') layout: the text cut into `batch` equal rows; x and y = x shifted by one."""
    length = (len(ids) - 1) // batch
    x = ids[: batch * length].view(batch, length)
    y = ids[1 : batch * length + 1].view(batch, length)
    return x, y


def clip_global_norm(params, theta):
    """g <- g * min(1, theta / ||g||), the d2l formula (no epsilon)."""
    norm = torch.sqrt(sum((p.grad**2).sum() for p in params))
    if norm > theta:
        for p in params:
            p.grad.mul_(theta / norm)


class Scan(torch.autograd.Function):
    """h[t] = tanh(xw[t] + h[t-1] W^T) over time, with the gradient of W as one product (faster than autograd's 35)."""

    @staticmethod
    def forward(ctx, xw, h, w):
        out, wt = torch.empty_like(xw), w.t()
        for t in range(len(xw)):
            torch.addmm(xw[t], h if t == 0 else out[t - 1], wt, out=out[t]).tanh_()
        ctx.save_for_backward(out, h, w)
        return out

    @staticmethod
    def backward(ctx, grad):
        out, h, w = ctx.saved_tensors
        d, carry = torch.empty_like(out), torch.zeros_like(h)
        for t in range(len(out) - 1, -1, -1):
            d[t] = (grad[t] + carry) * (1 - out[t] * out[t])
            carry = d[t] @ w
        before = torch.cat([h[None], out[:-1]])
        return d, carry, d.flatten(0, 1).t() @ before.flatten(0, 1)


class OneHotRNN(nn.Module):
    """tanh RNN over one-hot ids (as a look-up of the columns of W_ih, which is the same product) and a linear head.

    Initial values as torch.nn.RNN and torch.nn.Linear: uniform in +-1/sqrt(hidden).
    """

    def __init__(self, vocab, hidden):
        super().__init__()
        self.rnn = nn.RNN(vocab, hidden)
        self.head = nn.Linear(hidden, vocab)
        self.hidden = hidden

    def forward(self, x, h):  # x: ids [B, T]; h: [B, H]
        r = self.rnn
        xw = F.embedding(x.t(), r.weight_ih_l0.t()) + (r.bias_ih_l0 + r.bias_hh_l0)  # [T, B, H]
        out = Scan.apply(xw, h, r.weight_hh_l0)
        return self.head(out), out[-1]  # logits [T, B, V]


class LSTMLM(nn.Module):
    def __init__(self, vocab, hidden, layers):
        super().__init__()
        self.vocab = vocab
        self.rnn = nn.LSTM(vocab, hidden, layers)
        self.head = nn.Linear(hidden, vocab)

    def forward(self, x, state):  # x: ids [B, T]
        out, state = self.rnn(F.one_hot(x.t(), self.vocab).float(), state)
        return self.head(out), state


class W6:
    """LSTM 2x128 on tinyshakespeare."""

    about = (
        "Character language model on tinyshakespeare.txt: first 90 % of the characters for training, last 10 % for "
        "validation; vocabulary = the sorted characters of the whole file (65). One-hot input, LSTM of 2 layers x 128, "
        "linear head; PyTorch default initial values (uniform +-1/sqrt(128), no forget-bias offset). T=50, B=50, "
        "consecutive rows with the state carried over (detached) and set to zero at the start of every epoch (401 "
        "steps an epoch); mean cross-entropy over all steps; gradient clipped by global norm at 5; Adam lr 2e-3, betas "
        "(0.9, 0.999), eps 1e-8; no dropout. train_loss = mean over the 100 steps that end there, in nats per "
        "character; valid_loss = mean cross-entropy in nats per character over the whole validation text read as one "
        "sequence (batch 1) from a zero state, after the last step. perplexity = exp(loss)."
    )
    steps = 1500

    def __init__(self, seed):
        text = read("tinyshakespeare.txt")
        ids, self.vocab = encode(text)
        cut = int(0.9 * len(ids))
        self.valid = ids[cut:]
        self.x, self.y = rows(ids[:cut], 50)
        self.per_epoch = self.x.shape[1] // 50
        torch.manual_seed(seed)
        self.net = LSTMLM(self.vocab, 128, 2)
        self.opt = torch.optim.Adam(self.net.parameters(), lr=2e-3)
        self.state = None
        self.log = {"train_loss": {}, "train_loss_at_step": {}}
        self.recent = []

    def step(self, i):
        k = i % self.per_epoch
        if k == 0:
            self.state = None
        x, y = self.x[:, k * 50 : k * 50 + 50], self.y[:, k * 50 : k * 50 + 50]
        logits, state = self.net(x, self.state)
        loss = F.cross_entropy(logits.reshape(-1, self.vocab), y.t().reshape(-1))
        self.opt.zero_grad()
        loss.backward()
        clip_global_norm(list(self.net.parameters()), 5.0)
        self.opt.step()
        self.state = tuple(s.detach() for s in state)
        self.recent.append(loss.item())
        if i == 0:
            self.log["train_loss_at_step"]["1"] = loss.item()
        if (i + 1) % 100 == 0:
            self.log["train_loss"][str(i + 1)] = float(np.mean(self.recent))
            self.log["train_loss_at_step"][str(i + 1)] = loss.item()
            self.recent = []

    def finish(self):
        total, count, state = 0.0, 0, None
        with torch.no_grad():
            for a in range(0, len(self.valid) - 1, 1000):
                x = self.valid[a : min(a + 1000, len(self.valid) - 1)]
                y = self.valid[a + 1 : a + 1 + len(x)]
                logits, state = self.net(x[None], state)
                total += F.cross_entropy(logits[:, 0], y, reduction="sum").item()
                count += len(x)
        self.log["valid_loss"] = total / count
        self.log["valid_perplexity"] = math.exp(total / count)
        self.log["valid_characters"] = count


class EpochRNN:
    """d2l's character RNN training by epochs of consecutive batches; SGD with clipped gradients."""

    batch, time = 32, 35
    largest_offset = 0  # the text starts at a random token 0..largest_offset, drawn each epoch
    small_start = False  # weights N(0, 0.01), zero biases, one bias in the cell

    def __init__(self, seed):
        self.ids, self.vocab = self.corpus()
        torch.manual_seed(seed)
        self.rng = np.random.default_rng(seed)
        self.net = OneHotRNN(self.vocab, self.hidden)
        if self.small_start:
            for name, p in self.net.named_parameters():
                nn.init.zeros_(p) if "bias" in name else nn.init.normal_(p, std=0.01)
            self.net.rnn.bias_hh_l0.requires_grad_(False)  # stays zero: one bias, as d2l has it
        self.params = [p for p in self.net.parameters() if p.requires_grad]
        self.opt = torch.optim.SGD(self.params, lr=self.lr)
        self.log = {"vocab": self.vocab, "train_perplexity": {}}

    def step(self, epoch):
        ids = self.ids
        if self.largest_offset:
            ids = ids[int(self.rng.integers(0, self.largest_offset + 1)) :]
        X, Y = rows(ids, self.batch)
        h = torch.zeros(self.batch, self.hidden)
        total, count = 0.0, 0
        for k in range(X.shape[1] // self.time):
            x, y = X[:, k * self.time : (k + 1) * self.time], Y[:, k * self.time : (k + 1) * self.time]
            logits, h = self.net(x, h)
            loss = F.cross_entropy(logits.reshape(-1, self.vocab), y.t().reshape(-1))
            self.opt.zero_grad()
            loss.backward()
            clip_global_norm(self.params, self.clip)
            self.opt.step()
            h = h.detach()
            total += loss.item() * y.numel()
            count += y.numel()
        e = epoch + 1
        if e == 1 or e % 50 == 0:
            self.log["train_perplexity"][str(e)] = math.exp(min(total / count, 700))

    def finish(self):
        pass


W1_TEXT = (
    "Character language model on the first 10,000 characters of tang300.txt, newlines replaced by spaces; vocabulary = "
    "the sorted characters of that excerpt. One-hot input, one tanh RNN layer of 256, linear head; PyTorch default initial "
    "values (uniform +-1/sqrt(256)). T=35, B=32, consecutive rows (8 steps an epoch), state carried over (detached) inside "
    "an epoch and set to zero at its start; mean cross-entropy; gradient clipped by global norm g*min(1, theta/||g||); plain "
    "SGD. train_perplexity = exp(mean cross-entropy per character over the epoch's 8 batches, each measured before its "
    "own update), in the epoch named. "
)


class W1(EpochRNN):
    about = W1_TEXT + "lr 1.0, clip 1.0. 250 epochs."
    steps, hidden, lr, clip = 250, 256, 1.0, 1.0

    def corpus(self):
        return encode(read("tang300.txt").replace("\n", " ").replace("\r", " ")[:10000])


class W1Seed(W1):
    about = W1_TEXT + "lr 1e2, clip 1e-2 (the older d2l setting: nearly every step has length 1). 250 epochs."
    lr, clip = 1e2, 1e-2


SMALL = (
    "d2l's own initial values: every weight (W_xh, W_hh and the head's) drawn from a normal distribution with mean 0 and standard "
    "deviation 0.01, all biases zero; ONE bias in the cell, h = tanh(W_xh x + W_hh h + b) (PyTorch's second one was kept at zero: "
    "not trained, not counted in the norm that is clipped; with two trained ones their sum would move twice as far)"
)


class W1SeedSmall(W1Seed):
    about = W1Seed.about.replace(
        "PyTorch default initial values (uniform +-1/sqrt(256))", SMALL
    ).replace("clip 1e-2 (", "clip 1e-2, no random offset (")
    small_start = True


class W1SeedSmallOffset(W1SeedSmall):
    about = W1SeedSmall.about.replace("no random offset", "a random offset of 0..34 characters (0..T-1) drawn each epoch")
    largest_offset = 34


class TimeMachine(EpochRNN):
    about = (
        "d2l's character RNN on timemachine.txt: runs of non-letters replaced by one space over the whole text, lower "
        "case, first 10,000 tokens (27 characters). One-hot input, one tanh RNN layer of 512, linear head; PyTorch default "
        "initial values (uniform +-1/sqrt(512)). T=35, B=32, consecutive rows after a random offset of 0..35 tokens drawn each "
        "epoch (8 steps an epoch), state carried over (detached) inside an epoch and zero at its start; mean cross-entropy; "
        "gradient clipped by global norm at 1 (g*min(1, 1/||g||)); SGD lr 1; 500 epochs. train_perplexity = exp(mean "
        "cross-entropy per character over the epoch's batches, each measured before its own update)."
    )
    steps, hidden, lr, clip, largest_offset = 500, 512, 1.0, 1.0, 35

    def corpus(self):
        return encode(re.sub("[^A-Za-z]+", " ", read("timemachine.txt")).lower()[:10000])


class TimeMachineSmall(TimeMachine):
    about = TimeMachine.about.replace(
        "PyTorch default initial values (uniform +-1/sqrt(512))", SMALL
    ).replace("random offset of 0..35 tokens", "random offset of 0..34 tokens (0..T-1)")
    largest_offset, small_start = 34, True


class Sine:
    """Regression of the next value of a sine with a 2-layer LSTM."""

    about = (
        "Next value of sin(x) from the 10 values before it: 10,000 training examples from np.sin(np.linspace(0, 100.1, "
        "10010)), 1,000 test examples from np.sin(np.linspace(100.1, 110.2, 1010)) (sample gap 0.01; the test part "
        "continues the training part). Input [T=10, 1 feature], LSTM of 2 layers x 30 (PyTorch default initial values, no "
        "forget-bias offset), linear 30 -> 1 on the last step; MSE; batch 32 drawn from a fresh shuffle of the training set at "
        "every pass (the last, shorter batch of a pass dropped); Adagrad lr 0.1, initial accumulator 0.1, eps 1e-10; no "
        "clipping; 10,000 steps. test_rmse = sqrt(mean squared error over the 1,000 test examples); train_mse = mean of "
        "the 1,000 steps that end there. persistence_rmse = the error of repeating the last value seen, for scale."
    )
    steps = 10000

    def __init__(self, seed):
        start = (10000 + 10) * 0.01
        end = start + (1000 + 10) * 0.01

        def data(seq):
            n = len(seq) - 10
            x = np.stack([seq[i : i + 10] for i in range(n)])
            return torch.tensor(x, dtype=torch.float32)[:, :, None], torch.tensor(seq[10:], dtype=torch.float32)[:, None]

        self.x, self.y = data(np.sin(np.linspace(0, start, 10010)))
        self.tx, self.ty = data(np.sin(np.linspace(start, end, 1010)))
        torch.manual_seed(seed)
        self.lstm = nn.LSTM(1, 30, 2, batch_first=True)
        self.head = nn.Linear(30, 1)
        self.net = nn.ModuleList([self.lstm, self.head])
        self.opt = torch.optim.Adagrad(self.net.parameters(), lr=0.1, initial_accumulator_value=0.1)
        self.rng = np.random.default_rng(seed)
        self.order = None
        self.log = {"train_mse": {}, "test_rmse_at_step": {}}
        self.recent = []

    def predict(self, x):
        out, _ = self.lstm(x)
        return self.head(out[:, -1])

    def rmse(self):
        with torch.no_grad():
            return math.sqrt(F.mse_loss(self.predict(self.tx), self.ty).item())

    def step(self, i):
        k = i % (len(self.x) // 32)
        if k == 0 or self.order is None:
            self.order = torch.from_numpy(self.rng.permutation(len(self.x)))
        pick = self.order[k * 32 : k * 32 + 32]
        loss = F.mse_loss(self.predict(self.x[pick]), self.y[pick])
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        self.recent.append(loss.item())
        if (i + 1) % 1000 == 0:
            self.log["train_mse"][str(i + 1)] = float(np.mean(self.recent))
            self.log["test_rmse_at_step"][str(i + 1)] = self.rmse()
            self.recent = []

    def finish(self):
        self.log["test_rmse"] = self.rmse()
        self.log["persistence_rmse"] = math.sqrt(F.mse_loss(self.tx[:, -1], self.ty).item())


JOBS = {
    "w6_tinyshakespeare_lstm2x128": W6,
    "w1_tang300_rnn256_lr1_clip1": W1,
    "w1_tang300_rnn256_lr100_clip0.01": W1Seed,
    "w1_tang300_rnn256_lr100_clip0.01_normal0.01": W1SeedSmall,
    "w1_tang300_rnn256_lr100_clip0.01_normal0.01_offset": W1SeedSmallOffset,
    "timemachine_rnn512_lr1_clip1": TimeMachine,
    "timemachine_rnn512_lr1_clip1_normal0.01": TimeMachineSmall,
    "sine_lstm2x30_adagrad": Sine,
}
SEEDS = (1, 2, 3)
SAVED = ("log", "recent", "state", "order", "rng")


def run(args):
    torch.set_num_threads(args.threads)
    work = Path(args.work)
    work.mkdir(parents=True, exist_ok=True)
    done = work / f"{args.job}.{args.seed}.json"
    if done.exists():
        return 0
    point = work / f"{args.job}.{args.seed}.pt"
    job = JOBS[args.job](args.seed)
    i, spent = 0, 0.0
    if point.exists():
        saved = torch.load(point, weights_only=False)
        job.net.load_state_dict(saved["net"])
        job.opt.load_state_dict(saved["opt"])
        for k in SAVED:
            if k in saved:
                setattr(job, k, saved[k])
        i, spent = saved["i"], saved["spent"]
    t0 = time.time()
    while i < job.steps and time.time() - t0 < args.seconds:
        job.step(i)
        i += 1
    spent += time.time() - t0
    if i < job.steps:
        saved = {k: getattr(job, k) for k in SAVED if hasattr(job, k)}
        saved.update(net=job.net.state_dict(), opt=job.opt.state_dict(), i=i, spent=spent)
        torch.save(saved, point)
        print(f"{args.job} seed {args.seed}: {i}/{job.steps} after {spent:.0f} s", flush=True)
        return 3
    t0 = time.time()
    job.finish()
    job.log["seconds_one_thread"] = round(spent + time.time() - t0, 1)
    done.write_text(json.dumps(job.log))
    point.unlink(missing_ok=True)
    print(f"{args.job} seed {args.seed}: finished in {job.log['seconds_one_thread']} s", flush=True)
    return 0


def rounded(v):
    return float(f"{v:.6g}") if isinstance(v, float) else v


def join(args):
    out = {
        "about": "Learning curves made by learning_curves.py with PyTorch "
        + torch.__version__.split("+")[0]
        + " on the CPU, float32, one thread, with the seeds that each entry lists. mean, min and max are over the seeds. A library "
        "with the same setting should land inside, or close to, [min, max]; with so few seeds take a margin (the README says which).",
        "curves": {},
    }
    for name, cls in JOBS.items():
        logs = {}
        for seed in SEEDS:
            f = Path(args.work) / f"{name}.{seed}.json"
            if f.exists():
                logs[seed] = json.loads(f.read_text())
        if not logs:
            continue
        first = next(iter(logs.values()))
        entry = {"setting": cls.about, "steps_or_epochs": cls.steps, "seeds": list(logs), "summary": {}, "by_seed": {}}
        for key, v in first.items():
            if isinstance(v, dict):
                entry["summary"][key] = {
                    k: {f: rounded(g([l[key][k] for l in logs.values()])) for f, g in (("mean", lambda a: sum(a) / len(a)), ("min", min), ("max", max))}
                    for k in v
                }
            else:
                vals = [l[key] for l in logs.values()]
                entry["summary"][key] = vals[0] if isinstance(v, int) else {
                    "mean": rounded(sum(vals) / len(vals)), "min": rounded(min(vals)), "max": rounded(max(vals))}
        for seed, l in logs.items():
            entry["by_seed"][str(seed)] = {k: ({a: rounded(b) for a, b in v.items()} if isinstance(v, dict) else rounded(v)) for k, v in l.items()}
        out["curves"][name] = entry
    Path(args.out).write_text(json.dumps(out, indent=1) + "\n")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    s = p.add_subparsers(required=True)
    r = s.add_parser("run")
    r.add_argument("--work", required=True)
    r.add_argument("--job", required=True, choices=JOBS)
    r.add_argument("--seed", type=int, required=True)
    r.add_argument("--seconds", type=float, default=1e9)
    r.add_argument("--threads", type=int, default=1)
    r.set_defaults(f=run)
    j = s.add_parser("join")
    j.add_argument("--work", required=True)
    j.add_argument("--out", required=True)
    j.set_defaults(f=join)
    args = p.parse_args()
    sys.exit(args.f(args) or 0)


if __name__ == "__main__":
    main()
