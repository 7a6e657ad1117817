// The global norm from its parts, by one workgroup: what the gradients are multiplied by, whether the step may overflow, the status.

struct Arguments {
  parts: u32,
  window: u32,
  // the largest norm that is left alone; infinite: no clipping by norm
  theta: f32,
  epsilon: f32,
  // the largest norm of a step that cannot overflow; below 0 if the step's other numbers are not tame
  tame_norm: f32,
}

var<immediate> arguments: Arguments;
@group(0) @binding(0) var<storage, read_write> parts: array<NormPart>;
@group(0) @binding(1) var<storage, read_write> state: State;

const THREADS = 256u;

var<workgroup> bad: atomic<u32>;
var<workgroup> clipped: atomic<u32>;

@compute @workgroup_size(256)
fn norm(@builtin(local_invocation_index) thread: u32) {
  if (thread == 0u) {
    atomicStore(&bad, 0u);
    atomicStore(&clipped, 0u);
  }
  workgroupBarrier();
  var most = 0.0;
  for (var i = thread; i < arguments.parts; i += THREADS) {
    let part = parts[i];
    most = max(most, part.largest);
    if (part.bad != 0u) {
      atomicStore(&bad, 1u);
    }
    if (part.clipped != 0u) {
      atomicStore(&clipped, 1u);
    }
  }
  most = largest_of_all(most, thread);
  var sum = 0.0;
  if (most > 0.0) {
    for (var i = thread; i < arguments.parts; i += THREADS) {
      let share = parts[i].largest / most;
      sum += parts[i].squares * share * share;
    }
  }
  let squares = sum_of_all(vec2(sum, 0.0), thread).x;
  if (thread > 0u) {
    return;
  }
  // At least the largest one's own share: a quotient of numbers above 2^126 may be anything.
  let total = select(squares, 1.0, most > 0.0 && squares < 1.0);
  // min(1, theta / (norm + epsilon)), with both sides divided by the largest gradient where the norm could overflow
  let root = sqrt(total);
  var is_clipped = atomicLoad(&clipped) != 0u;
  var scale = 1.0;
  if (is_finite_bits(arguments.theta)) {
    let unit = max(most, 1.0);
    let norm = root * (most / unit) + arguments.epsilon / unit;
    let theta = arguments.theta / unit;
    if (norm > theta) {
      scale = theta / norm;
      is_clipped = true;
    }
  }
  state.scale = scale;
  state.wild = u32(!(root <= arguments.tame_norm / max(most, 1.0)));
  if (atomicLoad(&bad) != 0u) {
    atomicMin(&state.first_bad, arguments.window);
    most = bitcast<f32>(0x7f800000u + arguments.window * 0u);
  }
  state.reports[arguments.window].largest = most;
  state.reports[arguments.window].squares = total;
  state.reports[arguments.window].clipped = u32(is_clipped);
}
