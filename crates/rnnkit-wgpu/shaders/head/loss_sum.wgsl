// The losses of a window's rows, summed into its report by one workgroup, in an order that the number of rows decides.

struct Arguments {
  rows: u32,
  window: u32,
  // from the sum to the mean
  scale: f32,
  // the objective is the mean's root
  root: u32,
}

var<immediate> arguments: Arguments;
@group(0) @binding(0) var<storage, read_write> losses: array<vec2<f32>>;
@group(0) @binding(1) var<storage, read_write> state: State;

const THREADS = 256u;

var<workgroup> bad: atomic<u32>;

@compute @workgroup_size(256)
fn loss_sum(@builtin(local_invocation_index) thread: u32) {
  if (thread == 0u) {
    atomicStore(&bad, 0u);
  }
  workgroupBarrier();
  var sum = vec2(0.0);
  for (var row = thread; row < arguments.rows; row += THREADS) {
    let loss = losses[row];
    if (!is_finite_bits(loss.x) || !is_finite_bits(loss.y)) {
      atomicStore(&bad, 1u);
    }
    sum += loss;
  }
  let total = sum_of_all(sum, thread);
  if (thread > 0u) {
    return;
  }
  var objective = total.x * arguments.scale;
  var factor = 1.0;
  if (arguments.root == 1u && objective > 0.0) {
    objective = sqrt(objective);
    factor = 0.5 / objective;
  }
  if (atomicLoad(&bad) != 0u || !is_finite_bits(objective)) {
    atomicMin(&state.first_bad, arguments.window);
  }
  state.factor = factor;
  state.reports[arguments.window] = WindowReport(objective, total.y, 0.0, 0.0, 0u);
}
