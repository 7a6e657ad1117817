// A recurrent layer over all time steps in one workgroup for LANES lanes: what both directions share. Joined with the text that
// src/resident/text.rs writes for one shape, which says
//   SIZE     units H
//   PARTS    parts that the sum over k is cut into
//   LANES    lanes of a workgroup, at most PARTS
//   QUADS    quads of k in a part; what lies beyond SIZE is zero
// and has `product`, which keeps as many weights as fit in registers and in workgroup memory.
//
// Thread (unit, part) sums the k of its part for its unit in every lane; the parts meet in workgroup memory, and of the unit's threads
// each finishes one lane: part p the p-th. The order of a sum depends on the shape alone.

struct Arguments {
  // number of the layer
  layer: u32,
  // time steps of this dispatch, those up to `end`, and of the window: a long one is done in pieces
  begin: u32,
  end: u32,
  time: u32,
  lanes: u32,
  // whether dropout behind the layer drops
  masked: u32,
  // in the plan: [N]
  lengths: u32,
}

const THREADS = SIZE * PARTS;
// quads of one lane's operand
const LANE_QUADS = QUADS * PARTS;

var<immediate> arguments: Arguments;

// [lane][quad of k]. Arrays of four and no vectors: four threads write a quad, and writing one component of a vector may touch the others.
var<workgroup> operand: array<array<Operand, 4>, LANES * LANE_QUADS>;
// [part][lane][unit]
var<workgroup> partial: array<Share, PARTS * LANES * SIZE>;

// The packed weights between k and a unit, of the matrix at `weights`.
fn weight(weights: u32, k: u32, unit: u32) -> PackedGates {
  if (4u * LANE_QUADS > SIZE && k >= SIZE) {
    return PackedGates();
  }
  return packed[weights + k * SIZE + unit];
}

fn add(sum: Gates, weights: PackedGates, x: Operand) -> Gates {
  return fma(unpacked(weights), Gates(x), sum);
}

fn set_operand(lane: u32, k: u32, x: Operand) {
  operand[lane * LANE_QUADS + k / 4u][k % 4u] = x;
}
