// One time step of recurrent layers back: from the gradients of the step after it, and of the output, to those of the pre-activations.
// Adjacent layers run on the diagonal: the one that is i below the last is at time step `time_step` + i, and multiplies the gradients of
// the one above in the same kernel.
//
// Threads share the work as in step_forward: 16 units x 4 quarters of the lanes x 4 parts of the sum.

struct Arguments {
  // number of the last layer
  layer: u32,
  // of the last layer
  time_step: u32,
  time: u32,
  lanes: u32,
  joined: u32,
  drops: u32,
  masked: u32,
  // only the gradient of the carry the window started from: what flows out of time step 0
  carry_only: u32,
}

const UNITS = 16u;
const LANES = 16u;
const PARTS = 4u;
// units that are in workgroup memory at once
const DEPTH = 32u;
// Lanes of a unit in workgroup memory; one more than there are, so that the units of a lane lie in different banks.
const STRIDE = 17u;

var<immediate> arguments: Arguments;

// [unit][lane]
var<workgroup> operand: array<Gates, 544>;
// [part][unit and quarter]: the quarter's four lanes
var<workgroup> partial: array<vec4<f32>, 256>;

// The gates' gradients of a unit and lane, which lie at `first` + lane * GATES * depth; 0 beyond the last of either.
fn fetch(first: u32, depth: u32, u: u32, lane: u32) -> Gates {
  if (u >= depth || lane >= arguments.lanes) {
    return Gates();
  }
  return load_gates(first + lane * GATES * depth, depth, u);
}

// The products of one unit's weights w and its gates' gradients in four lanes.
fn products(w: Gates, u: u32, quad: u32) -> vec4<f32> {
  let at = u * STRIDE + quad * 4u;
  return vec4(inner(w, operand[at]), inner(w, operand[at + 1u]), inner(w, operand[at + 2u]), inner(w, operand[at + 3u]));
}

// Adds the product with the gates' gradients of each lane.
fn multiply(start: vec4<f32>, first: u32, weights: u32, depth: u32, size: u32, unit: u32, first_lane: u32, thread: u32) -> vec4<f32> {
  var sums = start;
  let part = thread / 64u;
  let quad = (thread / UNITS) % 4u;
  // each thread fetches one unit of two lanes
  let own_u = thread % DEPTH;
  let lane = thread / DEPTH;
  let other_lane = lane + LANES / 2u;
  var gates = fetch(first, depth, own_u, first_lane + lane);
  var other_gates = fetch(first, depth, own_u, first_lane + other_lane);
  for (var u0 = 0u; u0 < depth; u0 += DEPTH) {
    workgroupBarrier();
    operand[own_u * STRIDE + lane] = gates;
    operand[own_u * STRIDE + other_lane] = other_gates;
    workgroupBarrier();
    // Asked for before the sums, behind which their way from memory is hidden.
    gates = fetch(first, depth, u0 + DEPTH + own_u, first_lane + lane);
    other_gates = fetch(first, depth, u0 + DEPTH + own_u, first_lane + other_lane);
    if (unit < size) {
      if (u0 + DEPTH <= depth) {
        // As many rounds as a compiler can count, so that it asks for the weights of several at once.
        for (var u = 0u; u < DEPTH; u += PARTS) {
          sums += products(unpacked(packed[weights + (u0 + u + part) * size + unit]), u + part, quad);
        }
      } else {
        for (var u = part; u < depth - u0; u += PARTS) {
          sums += products(unpacked(packed[weights + (u0 + u) * size + unit]), u, quad);
        }
      }
    }
  }
  return sums;
}

@compute @workgroup_size(256)
fn step_backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let below = group.z;
  let t = arguments.time_step + below;
  if (t >= arguments.time && arguments.carry_only == 0u) {
    return;
  }
  let number = arguments.layer - below;
  let layer = layers[number];
  let size = layer.size;
  let lanes = arguments.lanes;
  let unit = group.x * UNITS + thread % UNITS;
  let first_lane = group.y * LANES;
  if (group.x * UNITS >= size) {
    return;
  }
  let joins = arguments.joined == 1u && below > 0u;
  let width = GATES * size;

  // from the step after this one; for the carry's gradient alone, from time step 0
  let after = select(t + 1u, 0u, arguments.carry_only == 1u);
  let has_after = after < arguments.time;
  let part = thread / 64u;
  let place = thread % 64u;
  let lane = first_lane + (place / UNITS) * 4u + part;
  let finishes = unit < size && lane < lanes;
  let in_lane = lane * size + unit;
  let row = t * lanes + lane;
  let at = row * size + unit;
  let drops = arguments.drops == 1u && layer.dropped != NOWHERE;

  // Asked for before the products, behind which their way from memory is hidden.
  var unit_kept: UnitKept;
  var dy = 0.0;
  var dh_after = 0.0;
  var dc = 0.0;
  if (finishes && has_after) {
    dh_after = arena[layer.d_carry_hidden + in_lane];
    if (HAS_CELL_STATE) {
      dc = arena[layer.d_carry_cell + in_lane];
    }
  }
  if (finishes && arguments.carry_only == 0u) {
    unit_kept = kept_step(layer, row, lanes, unit);
    if (!joins) {
      dy = arena[select(layer.d_output, layer.d_dropped, drops) + at];
    }
  }

  var from_after = vec4(0.0);
  var from_above = vec4(0.0);
  if (has_after) {
    from_after = multiply(from_after, layer.d_hidden + after * lanes * width, layer.weights_back, size, size, unit, first_lane, thread);
  }
  if (joins) {
    let above = layers[number + 1u];
    from_above = multiply(from_above, above.d_input + t * lanes * GATES * above.size, above.input_weights_back, above.size, size, unit, first_lane, thread);
  }
  partial[thread] = from_after;
  workgroupBarrier();
  var dh = 0.0;
  for (var j = 0u; j < PARTS; j++) {
    dh += partial[j * 64u + place][part];
  }
  if (joins) {
    workgroupBarrier();
    partial[thread] = from_above;
    workgroupBarrier();
    for (var j = 0u; j < PARTS; j++) {
      dy += partial[j * 64u + place][part];
    }
  }
  if (!finishes) {
    return;
  }
  dh += dh_after;
  if (arguments.carry_only == 1u) {
    arena[layer.d_carry_hidden + in_lane] = dh;
    return;
  }
  if (drops) {
    dy *= drop_factor(layer, at, arguments.masked == 1u);
  }

  keep_state_gradient(layer, row, unit, dy + dh);
  let gradients = cell_backward(unit_kept, dy + dh, dc);
  keep_gradients(layer, row, unit, gradients);
  keep_carry_gradients(layer, lane, unit, gradients.h, gradients.c);
}
