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

// Named and no array: one that is indexed at run time would lie in memory.
struct Tile {
  // row by row, four columns each
  row0: vec4<f32>,
  row1: vec4<f32>,
  row2: vec4<f32>,
  row3: vec4<f32>,
}

fn row_of(tile: Tile, row: u32) -> vec4<f32> {
  switch row {
    case 0u: { return tile.row0; }
    case 1u: { return tile.row1; }
    case 2u: { return tile.row2; }
    default: { return tile.row3; }
  }
}

// Four rows of A at one place of the inner dimension.
fn fetch_a(row: u32, inner: u32, end: u32) -> vec4<f32> {
  if (inner >= end) {
    return vec4(0.0);
  }
  return vec4(a_at(row, inner), a_at(row + 1u, inner), a_at(row + 2u, inner), a_at(row + 3u, inner));
}

// Four columns of B, likewise.
fn fetch_b(inner: u32, column: u32, end: u32) -> vec4<f32> {
  if (inner >= end) {
    return vec4(0.0);
  }
  return vec4(b_at(inner, column), b_at(inner, column + 1u), b_at(inner, column + 2u), b_at(inner, column + 3u));
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
  let row = first_row + a_quarter * 4u;
  let column = first_column + b_quarter * 4u;
  var a = fetch_a(row, begin + a_inner, end);
  var b = fetch_b(begin + b_inner, column, end);
  for (var inner = begin; inner < end; inner += DEPTH) {
    workgroupBarrier();
    a_tile[a_inner * STRIDE + a_quarter] = a;
    b_tile[b_inner * STRIDE + b_quarter] = b;
    workgroupBarrier();
    // Asked for before the sums, behind which their way from memory is hidden.
    a = fetch_a(row, inner + DEPTH + a_inner, end);
    b = fetch_b(inner + DEPTH + b_inner, column, end);
    for (var i = 0u; i < DEPTH; i++) {
      let rows = a_tile[i * STRIDE + y];
      let columns = b_tile[i * STRIDE + x];
      tile.row0 = fma(vec4(rows.x), columns, tile.row0);
      tile.row1 = fma(vec4(rows.y), columns, tile.row1);
      tile.row2 = fma(vec4(rows.z), columns, tile.row2);
      tile.row3 = fma(vec4(rows.w), columns, tile.row3);
    }
  }
  return tile;
}
