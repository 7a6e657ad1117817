// Each lane's sequence from its end to its start: to[t] = from[L - 1 - t], zero past the end; back the same map, added to what is there.
// A thread an element of [T, N, size].

struct Arguments {
  // in the arena
  from_at: u32,
  to_at: u32,
  elements: u32,
  size: u32,
  lanes: u32,
  // in the plan: [N]
  lengths: u32,
  // 1: add instead of setting
  adds: u32,
}

var<immediate> arguments: Arguments;
@group(0) @binding(0) var<storage, read_write> arena: array<f32>;
@group(0) @binding(1) var<storage, read> plan: array<u32>;

@compute @workgroup_size(64)
fn turn(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let index = (group.y * groups.x + group.x) * 64u + thread;
  if (index >= arguments.elements) {
    return;
  }
  let row = index / arguments.size;
  var value = 0.0;
  if (is_within(row)) {
    value = arena[arguments.from_at + turned_row(row) * arguments.size + index % arguments.size];
  }
  if (arguments.adds == 1u) {
    value += arena[arguments.to_at + index];
  }
  arena[arguments.to_at + index] = value;
}
