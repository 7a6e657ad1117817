// A tile of a product C = A B: 64 x 64 elements by 256 threads, 4 x 4 each, in steps of 16 of the inner dimension. Each element is one sum
// in the order of the inner dimension. Joined with functions a_at(row, inner) and b_at(inner, column), which give 0 outside.

const TILE = 64u;
const DEPTH = 16u;

// [inner][row], [inner][column]
var<workgroup> a_tile: array<vec4<f32>, 256>;
var<workgroup> b_tile: array<vec4<f32>, 256>;

struct Tile {
  // row by row, four columns each
  rows: array<vec4<f32>, 4>,
}

fn tile_product(first_row: u32, first_column: u32, begin: u32, end: u32, thread: u32) -> Tile {
  var tile: Tile;
  let x = thread % 16u;
  let y = thread / 16u;
  for (var inner = begin; inner < end; inner += DEPTH) {
    let k = inner + y;
    var a = vec4(0.0);
    var b = vec4(0.0);
    if (k < end) {
      for (var i = 0u; i < 4u; i++) {
        a[i] = a_at(first_row + x * 4u + i, k);
        b[i] = b_at(k, first_column + x * 4u + i);
      }
    }
    workgroupBarrier();
    a_tile[thread] = a;
    b_tile[thread] = b;
    workgroupBarrier();
    for (var i = 0u; i < DEPTH; i++) {
      let row = a_tile[i * 16u + y];
      let column = b_tile[i * 16u + x];
      tile.rows[0] = fma(vec4(row.x), column, tile.rows[0]);
      tile.rows[1] = fma(vec4(row.y), column, tile.rows[1]);
      tile.rows[2] = fma(vec4(row.z), column, tile.rows[2]);
      tile.rows[3] = fma(vec4(row.w), column, tile.rows[3]);
    }
  }
  return tile;
}
