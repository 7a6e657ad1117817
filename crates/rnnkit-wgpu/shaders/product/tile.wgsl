// A tile of a product C = A B: 64 x 64 elements by 256 threads, 4 x 4 each, in steps of 16 of the inner dimension. Each element is one sum
// in the order of the inner dimension. Joined with functions a_at(row, inner) and b_at(inner, column), which give 0 outside, and with
// A_TRANSPOSED and B_TRANSPOSED: neighbouring threads fetch neighbouring elements, whichever way a matrix lies.

const TILE = 64u;
const DEPTH = 16u;
// Quarters of a tile's side in one row of workgroup memory; one more than there are, so that a column of them lies in different banks.
const STRIDE = 17u;

// [inner][row], [inner][column]
var<workgroup> a_tile: array<vec4<f32>, 272>;
var<workgroup> b_tile: array<vec4<f32>, 272>;

struct Tile {
  // row by row, four columns each
  rows: array<vec4<f32>, 4>,
}

fn tile_product(first_row: u32, first_column: u32, begin: u32, end: u32, thread: u32) -> Tile {
  var tile: Tile;
  let x = thread % 16u;
  let y = thread / 16u;
  // which of the inner dimension a thread fetches, and which four rows or columns
  let a_inner = select(x, y, A_TRANSPOSED);
  let a_quarter = select(y, x, A_TRANSPOSED);
  let b_inner = select(y, x, B_TRANSPOSED);
  let b_quarter = select(x, y, B_TRANSPOSED);
  for (var inner = begin; inner < end; inner += DEPTH) {
    var a = vec4(0.0);
    var b = vec4(0.0);
    for (var i = 0u; i < 4u; i++) {
      if (inner + a_inner < end) {
        a[i] = a_at(first_row + a_quarter * 4u + i, inner + a_inner);
      }
      if (inner + b_inner < end) {
        b[i] = b_at(inner + b_inner, first_column + b_quarter * 4u + i);
      }
    }
    workgroupBarrier();
    a_tile[a_inner * STRIDE + a_quarter] = a;
    b_tile[b_inner * STRIDE + b_quarter] = b;
    workgroupBarrier();
    for (var i = 0u; i < DEPTH; i++) {
      let row = a_tile[i * STRIDE + y];
      let column = b_tile[i * STRIDE + x];
      tile.rows[0] = fma(vec4(row.x), column, tile.rows[0]);
      tile.rows[1] = fma(vec4(row.y), column, tile.rows[1]);
      tile.rows[2] = fma(vec4(row.z), column, tile.rows[2]);
      tile.rows[3] = fma(vec4(row.w), column, tile.rows[3]);
    }
  }
  return tile;
}
