// One time step of recurrent layers forward: product, gates and state. Adjacent layers run on the diagonal: the one that is i above the
// first is at time step `time_step` - i, and multiplies the output of the one below in the same kernel.
//
// A workgroup makes 16 units of 16 lanes. Its threads are 16 units x 4 quarters of the lanes x 4 parts of the sum over k; a thread sums
// for four lanes and then finishes one of them, so the sum's order depends on the sizes alone.

struct Arguments {
  // number of the first layer
  layer: u32,
  // of the first layer
  time_step: u32,
  time: u32,
  lanes: u32,
  // whether the layers above the first multiply the output of those below; the first one's pre-activations are there
  joined: u32,
  // whether dropout behind a layer is done here, and whether it drops
  drops: u32,
  masked: u32,
  // in the plan: [N]
  lengths: u32,
}

const UNITS = 16u;
const LANES = 16u;
const PARTS = 4u;
// k that are in workgroup memory at once
const DEPTH = 64u;

var<immediate> arguments: Arguments;

// [k][quarter of the lanes]
var<workgroup> operand: array<vec4<f32>, 256>;
// [lane of the quarter][which of the other three parts][unit and quarter]
var<workgroup> partial: array<Sums, 768>;

// Fields and no array: an index that is known only at run time would move the sums out of registers.
struct Quarter {
  a: Sums,
  b: Sums,
  c: Sums,
  d: Sums,
}

fn lane_of(quarter: Quarter, lane: u32) -> Sums {
  switch lane {
    case 0u: { return quarter.a; }
    case 1u: { return quarter.b; }
    case 2u: { return quarter.c; }
    default: { return quarter.d; }
  }
}

// One k of a lane; 0 beyond the last of either.
fn fetch_one(first: u32, depth: u32, k: u32, lane: u32) -> f32 {
  if (k >= depth || lane >= arguments.lanes) {
    return 0.0;
  }
  return arena[first + lane * depth + k];
}

// One k of four lanes.
fn fetch(first: u32, depth: u32, k: u32, lane: u32) -> vec4<f32> {
  return vec4(
    fetch_one(first, depth, k, lane),
    fetch_one(first, depth, k, lane + 1u),
    fetch_one(first, depth, k, lane + 2u),
    fetch_one(first, depth, k, lane + 3u),
  );
}

// Adds the product of a unit's weights and one k of four lanes.
fn add(sums: Quarter, w: Gates, x: vec4<f32>, is_input: bool) -> Quarter {
  if (is_input) {
    return Quarter(add_input(sums.a, w, x.x), add_input(sums.b, w, x.y), add_input(sums.c, w, x.z), add_input(sums.d, w, x.w));
  }
  return Quarter(add_hidden(sums.a, w, x.x), add_hidden(sums.b, w, x.y), add_hidden(sums.c, w, x.z), add_hidden(sums.d, w, x.w));
}

// Adds the product with `depth` values of each lane, which lie at `first` + lane * depth.
fn multiply(start: Quarter, first: u32, weights: u32, depth: u32, size: u32, unit: u32, first_lane: u32, thread: u32, is_input: bool) -> Quarter {
  var quarter = start;
  let part = thread / 64u;
  let quad = (thread / UNITS) % 4u;
  // each thread fetches one k of four lanes
  let own_k = thread % DEPTH;
  let own_lane = first_lane + (thread / DEPTH) * 4u;
  var column = fetch(first, depth, own_k, own_lane);
  for (var k0 = 0u; k0 < depth; k0 += DEPTH) {
    workgroupBarrier();
    operand[own_k * 4u + thread / DEPTH] = column;
    workgroupBarrier();
    // Asked for before the sums, behind which their way from memory is hidden.
    column = fetch(first, depth, k0 + DEPTH + own_k, own_lane);
    if (unit < size) {
      if (k0 + DEPTH <= depth) {
        // As many rounds as a compiler can count, so that it asks for the weights of several at once.
        for (var k = 0u; k < DEPTH; k += PARTS) {
          let w = unpacked(packed[weights + (k0 + k + part) * size + unit]);
          quarter = add(quarter, w, operand[(k + part) * 4u + quad], is_input);
        }
      } else {
        for (var k = part; k < depth - k0; k += PARTS) {
          let w = unpacked(packed[weights + (k0 + k) * size + unit]);
          quarter = add(quarter, w, operand[k * 4u + quad], is_input);
        }
      }
    }
  }
  return quarter;
}

@compute @workgroup_size(256)
fn step_forward(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let above = group.z;
  let t = arguments.time_step - above;
  // not yet, or no longer, within the window (a step before 0 is a very large one)
  if (t >= arguments.time) {
    return;
  }
  let layer = layers[arguments.layer + above];
  let size = layer.size;
  let lanes = arguments.lanes;
  let unit = group.x * UNITS + thread % UNITS;
  let first_lane = group.y * LANES;
  if (group.x * UNITS >= size) {
    return;
  }
  let joins = arguments.joined == 1u && above > 0u;
  // Every part finishes one of the quarter's lanes.
  let part = thread / 64u;
  let place = thread % 64u;
  let lane = first_lane + (place / UNITS) * 4u + part;
  let finishes = unit < size && lane < lanes;
  let row = t * lanes + lane;
  let at = row * size + unit;

  // Asked for before the product, behind which their way from memory is hidden.
  var before: Sums;
  var h_previous = 0.0;
  var c_previous = 0.0;
  if (finishes) {
    var input: Gates;
    if (joins) {
      input = load_biases(layer.bias_input, size, unit);
    } else {
      input = input_gates(layer, row, unit);
    }
    before = sums_of(input, load_biases(layer.bias_hidden, size, unit));
    h_previous = arena[layer.hidden + at];
    if (HAS_CELL_STATE) {
      c_previous = arena[layer.cell_state + at];
    }
  }

  var quarter: Quarter;
  if (joins) {
    quarter = multiply(quarter, layer.input + t * lanes * layer.input_size, layer.input_weights, layer.input_size, size, unit, first_lane, thread, true);
  }
  quarter = multiply(quarter, layer.hidden + t * lanes * size, layer.weights, size, size, unit, first_lane, thread, false);

  for (var i = 0u; i < 4u; i++) {
    if (i != part) {
      partial[(i * 3u + part - u32(part > i)) * 64u + place] = lane_of(quarter, i);
    }
  }
  workgroupBarrier();
  if (!finishes) {
    return;
  }
  var sums = before;
  for (var j = 0u; j < PARTS; j++) {
    if (j == part) {
      sums += lane_of(quarter, part);
    } else {
      sums += partial[(part * 3u + j - u32(j > part)) * 64u + place];
    }
  }

  let step = cell_forward(sums, h_previous, c_previous);
  let within = t < plan[arguments.lengths + lane];
  keep_step(layer, row, lanes, unit, step, within);
  if (arguments.drops == 1u && layer.dropped != NOWHERE) {
    arena[layer.dropped + at] = select(0.0, step.h, within) * drop_factor(layer, at, arguments.masked == 1u);
  }
}
