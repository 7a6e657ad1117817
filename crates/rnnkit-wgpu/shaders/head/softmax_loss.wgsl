// Softmax cross-entropy, a workgroup a row: the row's losses, and its gradients written over the logits. The twin of loss.rs in
// rnnkit-core: the target distribution is (1 - smoothing) * one-hot + smoothing / V, in nats.

struct Arguments {
  // rows that are predicted, and logits of each
  rows: u32,
  size: u32,
  lanes: u32,
  // 1: a row is a lane's last time step
  last_step: u32,
  // in the plan: [N] each
  starts: u32,
  lengths: u32,
  // from an input's position to its target's
  shift: u32,
  has_mask: u32,
  smoothing: f32,
  // of all gradients
  scale: f32,
  training: u32,
}

var<immediate> arguments: Arguments;
@group(0) @binding(0) var<storage, read_write> logits: array<f32>;
// [rows] objective and nats
@group(0) @binding(1) var<storage, read_write> losses: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> plan: array<u32>;
@group(0) @binding(3) var<storage, read> targets: array<u32>;
@group(0) @binding(4) var<storage, read> mask: array<f32>;

const THREADS = 64u;

var<workgroup> bad: atomic<u32>;

const LOWEST = -3.4028234e38;

@compute @workgroup_size(64)
fn softmax_loss(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let row = group.y * groups.x + group.x;
  if (row >= arguments.rows) {
    return;
  }
  let size = arguments.size;
  let at = row * size;
  let position = position_of(row);
  let counts = is_counted(row, position);
  if (!counts) {
    for (var i = thread; i < size; i += THREADS) {
      logits[at + i] = 0.0;
    }
    if (thread == 0u) {
      losses[row] = vec2(0.0);
    }
    return;
  }
  let target_symbol = targets[position + arguments.shift];

  // The largest logit; what is not finite (minus infinity may be) is noted by its bits.
  if (thread == 0u) {
    atomicStore(&bad, 0u);
  }
  workgroupBarrier();
  var largest = LOWEST;
  for (var i = thread; i < size; i += THREADS) {
    let x = logits[at + i];
    if (is_nan_bits(x) || bitcast<u32>(x) == 0x7f800000u) {
      atomicStore(&bad, 1u);
    }
    largest = max(largest, x);
  }
  largest = largest_of_all(largest, thread);

  // The exponentials' sum without the target's, which p - 1 needs: 1 - p cancels once the model is sure. And how far logits lie below.
  var sum = 0.0;
  var below = 0.0;
  for (var i = thread; i < size; i += THREADS) {
    let distance = largest - logits[at + i];
    below += distance;
    if (i != target_symbol) {
      sum += exp(-distance);
    }
  }
  let sums = sum_of_all(vec2(sum, below), thread);
  let sum_of_others = sums.x;
  let target_distance = largest - logits[at + target_symbol];
  let total = sum_of_others + exp(-target_distance);
  if (thread == 0u) {
    let smoothing = arguments.smoothing;
    let nats = log(total) + target_distance;
    var objective = nats;
    if (smoothing > 0.0) {
      objective = log(total) + (1.0 - smoothing) * target_distance + smoothing * sums.y / f32(size);
    }
    if (atomicLoad(&bad) != 0u) {
      objective = bitcast<f32>(0x7fc00000u + arguments.size * 0u);
    }
    losses[row] = vec2(objective, nats);
  }
  if (arguments.training == 0u) {
    return;
  }
  // Gradients are written over logits that other threads have read.
  storageBarrier();
  let each = arguments.smoothing / f32(size);
  for (var i = thread; i < size; i += THREADS) {
    var d = exp(logits[at + i] - largest) / total - each;
    if (i == target_symbol) {
      d = arguments.smoothing - sum_of_others / total - each;
    }
    logits[at + i] = d * arguments.scale;
  }
}
