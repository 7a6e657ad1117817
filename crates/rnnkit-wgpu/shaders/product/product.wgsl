// C [rows, columns] = A B, with a bias for each column and an activation. How A and B lie is said by A_TRANSPOSED and B_TRANSPOSED.

struct Arguments {
  rows: u32,
  columns: u32,
  inner: u32,
  // first element in each buffer, and from one row to the next where rows may lie apart
  a: u32,
  a_stride: u32,
  b: u32,
  c: u32,
  c_stride: u32,
  // first element, or NOWHERE
  bias: u32,
  activation: u32,
}

const NOWHERE = 0xffffffffu;

var<immediate> arguments: Arguments;
@group(0) @binding(0) var<storage, read_write> a_buffer: array<f32>;
@group(0) @binding(1) var<storage, read_write> b_buffer: array<f32>;
@group(0) @binding(2) var<storage, read_write> biases: array<f32>;
@group(0) @binding(3) var<storage, read_write> c_buffer: array<f32>;

fn a_at(row: u32, inner: u32) -> f32 {
  if (row >= arguments.rows) {
    return 0.0;
  }
  if (A_TRANSPOSED) {
    return a_buffer[arguments.a + inner * arguments.a_stride + row];
  }
  return a_buffer[arguments.a + row * arguments.a_stride + inner];
}

fn b_at(inner: u32, column: u32) -> f32 {
  if (column >= arguments.columns) {
    return 0.0;
  }
  if (B_TRANSPOSED) {
    return b_buffer[arguments.b + column * arguments.inner + inner];
  }
  return b_buffer[arguments.b + inner * arguments.columns + column];
}

@compute @workgroup_size(256)
fn product(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  // rows of tiles that one dimension does not hold go on in the next
  let first_row = (group.z * groups.y + group.y) * TILE;
  let tile = tile_product(first_row, group.x * TILE, 0u, arguments.inner, thread);
  for (var i = 0u; i < 4u; i++) {
    let row = first_row + (thread / 16u) * 4u + i;
    let values = row_of(tile, i);
    for (var j = 0u; j < 4u; j++) {
      let column = group.x * TILE + (thread % 16u) * 4u + j;
      if (row < arguments.rows && column < arguments.columns) {
        var value = values[j];
        if (arguments.bias != NOWHERE) {
          value += biases[arguments.bias + column];
        }
        c_buffer[arguments.c + row * arguments.c_stride + column] = activated(arguments.activation, value);
      }
    }
  }
}
