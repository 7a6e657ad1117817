// Squared errors, a thread a row: the row's sum of squares, and its gradients written over the predictions.

struct Arguments {
  rows: u32,
  size: u32,
  lanes: u32,
  last_step: u32,
  starts: u32,
  lengths: u32,
  shift: u32,
  has_mask: u32,
  // of all gradients
  scale: f32,
  training: u32,
}

var<immediate> arguments: Arguments;
@group(0) @binding(0) var<storage, read_write> predictions: array<f32>;
@group(0) @binding(1) var<storage, read_write> losses: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> plan: array<u32>;
@group(0) @binding(3) var<storage, read> targets: array<f32>;
@group(0) @binding(4) var<storage, read> mask: array<f32>;

@compute @workgroup_size(64)
fn squared_loss(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let row = (group.y * groups.x + group.x) * 64u + thread;
  if (row >= arguments.rows) {
    return;
  }
  let position = position_of(row);
  let counts = is_counted(row, position);
  let target_at = (position + arguments.shift) * arguments.size;
  var sum = 0.0;
  for (var i = 0u; i < arguments.size; i++) {
    let at = row * arguments.size + i;
    var difference = 0.0;
    if (counts) {
      difference = predictions[at] - targets[target_at + i];
    }
    sum += difference * difference;
    if (arguments.training == 1u || !counts) {
      predictions[at] = 2.0 * arguments.scale * difference;
    }
  }
  losses[row] = vec2(sum);
}
