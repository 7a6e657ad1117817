// Multiplies by a mask's factors: forward `copies` of each row's values, [rows, copies, size]; back the sum over the copies of their
// gradients, [rows, size]. A thread an element of what is written.

struct Arguments {
  // in the arena
  from_at: u32,
  to_at: u32,
  // of what is written
  elements: u32,
  size: u32,
  copies: u32,
  lanes: u32,
  // the mask's first word; its rows of `size` elements for each row, lane and copy: 0 where one does for all
  mask: u32,
  for_row: u32,
  for_lane: u32,
  for_copy: u32,
  keep_factor: f32,
  // 0: nothing is dropped
  masked: u32,
  back: u32,
  // 1: add to what is there
  adds: u32,
}

var<immediate> arguments: Arguments;
@group(0) @binding(0) var<storage, read_write> words: array<u32>;
@group(0) @binding(1) var<storage, read_write> arena: array<f32>;

fn factor_of(row: u32, copy: u32, unit: u32) -> f32 {
  if (arguments.masked == 0u) {
    return 1.0;
  }
  let mask_row = row * arguments.for_row + (row % arguments.lanes) * arguments.for_lane + copy * arguments.for_copy;
  let element = mask_row * arguments.size + unit;
  let kept = (words[arguments.mask + element / 32u] >> (element % 32u)) & 1u;
  return select(0.0, arguments.keep_factor, kept == 1u);
}

@compute @workgroup_size(64)
fn dropout(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let index = (group.y * groups.x + group.x) * 64u + thread;
  if (index >= arguments.elements) {
    return;
  }
  let size = arguments.size;
  let unit = index % size;
  var value = 0.0;
  if (arguments.back == 1u) {
    let row = index / size;
    for (var copy = 0u; copy < arguments.copies; copy++) {
      value += arena[arguments.from_at + (row * arguments.copies + copy) * size + unit] * factor_of(row, copy, unit);
    }
  } else {
    let row = index / (size * arguments.copies);
    let copy = (index / size) % arguments.copies;
    value = arena[arguments.from_at + row * size + unit] * factor_of(row, copy, unit);
  }
  if (arguments.adds == 1u) {
    value += arena[arguments.to_at + index];
  }
  arena[arguments.to_at + index] = value;
}
