// The cells of one time step forward, where the hidden pre-activations are there: a layer whose hidden state is dropped on its way into
// the product. A thread a unit of a lane.

struct Arguments {
  // number of the layer
  layer: u32,
  time_step: u32,
  lanes: u32,
  // in the plan: [N]
  lengths: u32,
  // in the arena, [N, G*H], bias included
  pre_hidden: u32,
}

var<immediate> arguments: Arguments;

@compute @workgroup_size(64)
fn unit_forward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let index = (group.y * groups.x + group.x) * 64u + thread;
  let layer = layers[arguments.layer];
  if (index >= arguments.lanes * layer.size) {
    return;
  }
  let lane = index / layer.size;
  let unit = index % layer.size;
  let row = arguments.time_step * arguments.lanes + lane;
  let at = row * layer.size + unit;
  let hidden = load_gates(arguments.pre_hidden + lane * GATES * layer.size, layer.size, unit);
  var c_previous = 0.0;
  if (HAS_CELL_STATE) {
    c_previous = arena[layer.cell_state + at];
  }
  let step = cell_forward(sums_of(input_gates(layer, row, unit), hidden), arena[layer.hidden + at], c_previous);
  keep_step(layer, row, arguments.lanes, unit, step, is_within(row));
}
