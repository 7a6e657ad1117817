// The affine map of one-hot rows: columns of the weights [width, V] picked by symbol, bias added, activated; [rows, width]. Where there is
// no symbol, the bias alone.

struct Arguments {
  rows: u32,
  width: u32,
  vocabulary: u32,
  first: u32,
  activation: u32,
}

var<immediate> arguments: Arguments;
@group(0) @binding(0) var<storage, read_write> weights: array<f32>;
@group(0) @binding(1) var<storage, read_write> bias: array<f32>;
@group(0) @binding(2) var<storage, read_write> words: array<u32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn pick(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let index = (group.y * groups.x + group.x) * 64u + thread;
  if (index >= arguments.rows * arguments.width) {
    return;
  }
  let symbol = words[arguments.first + index / arguments.width];
  let column = index % arguments.width;
  var value = bias[column];
  if (symbol < arguments.vocabulary) {
    value += weights[column * arguments.vocabulary + symbol];
  }
  output[arguments.first * arguments.width + index] = activated(arguments.activation, value);
}
