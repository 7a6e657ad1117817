// Multiplies by a mask's factors: forward the values, back their gradients.

struct Arguments {
  // first element within both
  first: u32,
  // in the arena
  from_at: u32,
  to_at: u32,
  elements: u32,
  // the mask's first word
  mask: u32,
  keep_factor: f32,
  // 0: nothing is dropped
  masked: u32,
}

var<immediate> arguments: Arguments;
@group(0) @binding(0) var<storage, read_write> words: array<u32>;
@group(0) @binding(1) var<storage, read_write> arena: array<f32>;

@compute @workgroup_size(64)
fn dropout(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let index = (group.y * groups.x + group.x) * 64u + thread;
  if (index >= arguments.elements) {
    return;
  }
  let at = arguments.first + index;
  var factor = 1.0;
  if (arguments.masked == 1u) {
    let kept = (words[arguments.mask + at / 32u] >> (at % 32u)) & 1u;
    factor = select(0.0, arguments.keep_factor, kept == 1u);
  }
  arena[arguments.to_at + at] = arena[arguments.from_at + at] * factor;
}
