// Rows of the embedding table for the window's symbols, [T, N, E]; zero where there is no symbol.

struct Arguments {
  rows: u32,
  width: u32,
  vocabulary: u32,
}

var<immediate> arguments: Arguments;
@group(0) @binding(0) var<storage, read_write> table: array<f32>;
@group(0) @binding(1) var<storage, read_write> words: array<u32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn embed(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let index = (group.y * groups.x + group.x) * 64u + thread;
  if (index >= arguments.rows * arguments.width) {
    return;
  }
  let symbol = words[index / arguments.width];
  var value = 0.0;
  if (symbol < arguments.vocabulary) {
    value = table[symbol * arguments.width + index % arguments.width];
  }
  output[index] = value;
}
