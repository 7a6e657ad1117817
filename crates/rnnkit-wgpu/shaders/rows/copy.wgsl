// Copies elements, or fills with zero, within the arena: the encoder's own copy refuses one buffer for both sides.

struct Arguments {
  from_at: u32,
  to_at: u32,
  elements: u32,
  // 1: write zeros
  zero: u32,
}

var<immediate> arguments: Arguments;
@group(0) @binding(0) var<storage, read_write> arena: array<f32>;

@compute @workgroup_size(64)
fn copy(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let index = (group.y * groups.x + group.x) * 64u + thread;
  if (index >= arguments.elements) {
    return;
  }
  var value = 0.0;
  if (arguments.zero == 0u) {
    value = arena[arguments.from_at + index];
  }
  arena[arguments.to_at + index] = value;
}
