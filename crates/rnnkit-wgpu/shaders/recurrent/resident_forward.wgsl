// A recurrent layer forward over all time steps: a workgroup for LANES lanes, as resident.wgsl shares out the work. h_t is in workgroup
// memory for all threads to multiply; the thread that finishes a unit of a lane keeps its c. Two barriers a time step.

// h of a unit
alias Operand = f32;
// a part's sum, all gates
alias Share = Gates;

fn share_of(sum: Gates) -> Share {
  return sum;
}

// Fetches the state that the first time step starts from, at `first_row` = begin * lanes; zero where there is no lane and no unit.
fn start(layer: Layer, first_row: u32, first_lane: u32, thread: u32) {
  for (var i = thread; i < LANES * 4u * LANE_QUADS; i += THREADS) {
    let lane = i / (4u * LANE_QUADS);
    let k = i % (4u * LANE_QUADS);
    var h = 0.0;
    if (k < SIZE && first_lane + lane < arguments.lanes) {
      h = arena[layer.hidden + (first_row + first_lane + lane) * SIZE + k];
    }
    set_operand(lane, k, h);
  }
}

@compute @workgroup_size(THREADS)
fn resident_forward(
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

  let held = load_held(layer.weights, unit, part);
  store_weights(layer.weights, unit, part, thread);
  let first_row = arguments.begin * lanes;
  start(layer, first_row, first_lane, thread);
  var bias: Gates;
  var h = 0.0;
  var c = 0.0;
  var length = 0u;
  if (finishes) {
    length = plan[arguments.lengths + lane];
    bias = load_biases(layer.bias_hidden, SIZE, unit);
    h = arena[layer.hidden + (first_row + lane) * SIZE + unit];
    if (HAS_CELL_STATE) {
      c = arena[layer.cell_state + (first_row + lane) * SIZE + unit];
    }
  }
  workgroupBarrier();

  for (var t = arguments.begin; t < arguments.end; t++) {
    let row = t * lanes + lane;
    // Asked for before the product, behind which its way from memory is hidden.
    var input: Gates;
    if (finishes) {
      input = input_gates(layer, row, unit);
    }
    share(product(held, layer.weights, unit, part, thread), unit, part);
    workgroupBarrier();
    if (finishes) {
      var hidden = bias;
      for (var j = 0u; j < PARTS; j++) {
        hidden += partial[(j * LANES + part) * SIZE + unit];
      }
      let step = cell_forward(sums_of(input, hidden), h, c);
      h = select(0.0, step.h, t < length);
      c = select(0.0, step.c, t < length);
      set_operand(part, unit, h);
      keep_step(layer, row, lanes, unit, step, t < length);
      if (layer.dropped != NOWHERE) {
        let at = row * SIZE + unit;
        arena[layer.dropped + at] = h * drop_factor(layer, at, arguments.masked == 1u);
      }
    }
    workgroupBarrier();
  }
}
