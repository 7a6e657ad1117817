// Two directions side by side: at row t the forward one's row t and the reverse one's row L - 1 - t (or t), zero past the end; back, each
// one's share of the gradient. A thread an element of the joined rows [T, N, 2 * half].

struct Arguments {
  // in the arena: the joined rows, and those of each direction [T, N, half]
  joined: u32,
  forward: u32,
  reverse: u32,
  elements: u32,
  half: u32,
  lanes: u32,
  // in the plan: [N]
  lengths: u32,
  // whether the reverse direction is turned back
  turns: u32,
  // 1: from the joined rows to the two
  back: u32,
}

var<immediate> arguments: Arguments;
@group(0) @binding(0) var<storage, read_write> arena: array<f32>;
@group(0) @binding(1) var<storage, read> plan: array<u32>;

// Turning is its own inverse: back, a row of the reverse direction takes from the joined row that it went to.
@compute @workgroup_size(64)
fn join(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let index = (group.y * groups.x + group.x) * 64u + thread;
  if (index >= arguments.elements) {
    return;
  }
  let half = arguments.half;
  let row = index / (2u * half);
  let unit = index % (2u * half);
  let is_reverse = unit >= half;
  let within = is_within(row);
  var other = row;
  if (within && is_reverse && arguments.turns == 1u) {
    other = turned_row(row);
  }
  let part = select(arguments.forward, arguments.reverse, is_reverse);
  let in_half = select(unit, unit - half, is_reverse);
  var from_at = part + other * half + in_half;
  var to_at = arguments.joined + index;
  if (arguments.back == 1u) {
    from_at = arguments.joined + other * 2u * half + unit;
    to_at = part + row * half + in_half;
  }
  var value = 0.0;
  if (within) {
    value = arena[from_at];
  }
  arena[to_at] = value;
}
