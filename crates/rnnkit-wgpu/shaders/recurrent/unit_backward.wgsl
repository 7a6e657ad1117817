// The cells of one time step back, where the whole gradient of h that flows from the step after is there: a layer whose hidden state is
// dropped on its way into the product. A thread a unit of a lane.

struct Arguments {
  // number of the layer
  layer: u32,
  time_step: u32,
  time: u32,
  lanes: u32,
}

var<immediate> arguments: Arguments;

@compute @workgroup_size(64)
fn unit_backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let index = (group.y * groups.x + group.x) * 64u + thread;
  let layer = layers[arguments.layer];
  if (index >= arguments.lanes * layer.size) {
    return;
  }
  let lane = index / layer.size;
  let unit = index % layer.size;
  let row = arguments.time_step * arguments.lanes + lane;
  var dh = arena[layer.d_output + row * layer.size + unit];
  var dc = 0.0;
  if (arguments.time_step + 1u < arguments.time) {
    dh += arena[layer.d_carry_hidden + index];
    if (HAS_CELL_STATE) {
      dc = arena[layer.d_carry_cell + index];
    }
  }
  keep_state_gradient(layer, row, unit, dh);
  let gradients = cell_backward(kept_step(layer, row, arguments.lanes, unit), dh, dc);
  keep_gradients(layer, row, unit, gradients);
  keep_carry_gradients(layer, lane, unit, gradients.h, gradients.c);
}
