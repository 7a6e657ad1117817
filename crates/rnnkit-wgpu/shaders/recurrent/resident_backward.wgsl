// A recurrent layer back over all time steps: a workgroup for LANES lanes, as resident.wgsl shares out the work. The gradients of a time
// step's hidden pre-activations are in workgroup memory for the time step before it to multiply; the thread that finishes a unit of a lane
// keeps the gradients that flow past them. Two barriers a time step.

// gradients of a unit's hidden pre-activations
alias Operand = Gates;
// a part's sum, over its gates too
alias Share = f32;

fn share_of(sum: Gates) -> Share {
  return inner(sum, Gates(1.0));
}

// The gradient of the output, by way of the dropout behind it where there is one.
fn output_gradient(layer: Layer, at: u32) -> f32 {
  if (layer.dropped == NOWHERE) {
    return arena[layer.d_output + at];
  }
  return arena[layer.d_dropped + at] * drop_factor(layer, at, arguments.masked == 1u);
}

// Fetches the gradients that flow from the time step after the last: none from beyond the window, nor ever from beyond the lanes and units.
fn start(layer: Layer, first_lane: u32, thread: u32) {
  let first_row = arguments.end * arguments.lanes;
  for (var i = thread; i < LANES * 4u * LANE_QUADS; i += THREADS) {
    let lane = i / (4u * LANE_QUADS);
    let k = i % (4u * LANE_QUADS);
    var hidden: Gates;
    if (k < SIZE && first_lane + lane < arguments.lanes && arguments.end < arguments.time) {
      hidden = load_gates(layer.d_hidden + (first_row + first_lane + lane) * GATES * SIZE, SIZE, k);
    }
    set_operand(lane, k, hidden);
  }
}

@compute @workgroup_size(THREADS)
fn resident_backward(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let layer = layers[arguments.layer];
  let lanes = arguments.lanes;
  let unit = thread % SIZE;
  let part = thread / SIZE;
  let first_lane = (group.y * groups.x + group.x) * LANES;
  let lane = first_lane + part;
  let finishes = part < LANES && lane < lanes;

  let held = load_held(layer.weights_back, unit, part);
  store_weights(layer.weights_back, unit, part, thread);
  start(layer, first_lane, thread);
  var dh = 0.0;
  var dc = 0.0;
  if (finishes && arguments.end < arguments.time) {
    dh = arena[layer.d_carry_hidden + lane * SIZE + unit];
    if (HAS_CELL_STATE) {
      dc = arena[layer.d_carry_cell + lane * SIZE + unit];
    }
  }
  workgroupBarrier();

  for (var t = arguments.end; t > arguments.begin; t--) {
    let row = (t - 1u) * lanes + lane;
    // Asked for before the product, behind which its way from memory is hidden.
    var unit_kept: UnitKept;
    var dy = 0.0;
    if (finishes) {
      unit_kept = kept_step(layer, row, lanes, unit);
      dy = output_gradient(layer, row * SIZE + unit);
    }
    share(product(held, layer.weights_back, unit, part, thread), unit, part);
    workgroupBarrier();
    if (finishes) {
      for (var j = 0u; j < PARTS; j++) {
        dh += partial[(j * LANES + part) * SIZE + unit];
      }
      keep_state_gradient(layer, row, unit, dy + dh);
      let gradients = cell_backward(unit_kept, dy + dh, dc);
      dh = gradients.h;
      dc = gradients.c;
      set_operand(part, unit, gradients.hidden);
      keep_gradients(layer, row, unit, gradients);
    }
    workgroupBarrier();
  }
  if (finishes) {
    keep_carry_gradients(layer, lane, unit, dh, dc);
  }
}
