// Rows with a one where the window's symbols are, [T, N, V]; zero where there is no symbol. A thread an element.

struct Arguments {
  rows: u32,
  // V
  width: u32,
}

var<immediate> arguments: Arguments;
@group(0) @binding(0) var<storage, read_write> words: array<u32>;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn one_hot_rows(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let index = (group.y * groups.x + group.x) * 64u + thread;
  if (index >= arguments.rows * arguments.width) {
    return;
  }
  output[index] = f32(words[index / arguments.width] == index % arguments.width);
}
