// Lstm: of 12 k a thread, 3 in registers, 2 in workgroup memory.

const SIZE = 22u;
const PARTS = 2u;
const LANES = 2u;
const QUADS = 3u;

struct Held {
  k0: PackedGates,
  k1: PackedGates,
  k2: PackedGates,
}

// [k][thread]
var<workgroup> stored: array<PackedGates, 2u * THREADS>;

fn load_held(weights: u32, unit: u32, part: u32) -> Held {
  return Held(
    weight(weights, 4u * QUADS * part + 0u, unit),
    weight(weights, 4u * QUADS * part + 1u, unit),
    weight(weights, 4u * QUADS * part + 2u, unit),
  );
}

fn store_weights(weights: u32, unit: u32, part: u32, thread: u32) {
  stored[0u * THREADS + thread] = weight(weights, 4u * QUADS * part + 3u, unit);
  stored[1u * THREADS + thread] = weight(weights, 4u * QUADS * part + 4u, unit);
}

struct LaneSums {
  lane0: Gates,
  lane1: Gates,
}

fn share(sums: LaneSums, unit: u32, part: u32) {
  partial[(part * LANES + 0u) * SIZE + unit] = share_of(sums.lane0);
  partial[(part * LANES + 1u) * SIZE + unit] = share_of(sums.lane1);
}

fn product(held: Held, weights: u32, unit: u32, part: u32, thread: u32) -> LaneSums {
  let first = QUADS * part;
  var sum0: Gates;
  var sum1: Gates;
  {
    let x0 = operand[0u * LANE_QUADS + first + 0u];
    let x1 = operand[1u * LANE_QUADS + first + 0u];
    let w0 = held.k0;
    sum0 = add(sum0, w0, x0[0]);
    sum1 = add(sum1, w0, x1[0]);
    let w1 = held.k1;
    sum0 = add(sum0, w1, x0[1]);
    sum1 = add(sum1, w1, x1[1]);
    let w2 = held.k2;
    sum0 = add(sum0, w2, x0[2]);
    sum1 = add(sum1, w2, x1[2]);
    let w3 = stored[0u * THREADS + thread];
    sum0 = add(sum0, w3, x0[3]);
    sum1 = add(sum1, w3, x1[3]);
  }
  {
    let x0 = operand[0u * LANE_QUADS + first + 1u];
    let x1 = operand[1u * LANE_QUADS + first + 1u];
    let w0 = stored[1u * THREADS + thread];
    sum0 = add(sum0, w0, x0[0]);
    sum1 = add(sum1, w0, x1[0]);
    let w1 = weight(weights, 4u * first + 5u, unit);
    sum0 = add(sum0, w1, x0[1]);
    sum1 = add(sum1, w1, x1[1]);
    let w2 = weight(weights, 4u * first + 6u, unit);
    sum0 = add(sum0, w2, x0[2]);
    sum1 = add(sum1, w2, x1[2]);
    let w3 = weight(weights, 4u * first + 7u, unit);
    sum0 = add(sum0, w3, x0[3]);
    sum1 = add(sum1, w3, x1[3]);
  }
  for (var quad = 2u; quad < QUADS; quad++) {
    let x0 = operand[0u * LANE_QUADS + first + quad];
    let x1 = operand[1u * LANE_QUADS + first + quad];
    let w0 = weight(weights, 4u * (first + quad) + 0u, unit);
    sum0 = add(sum0, w0, x0[0]);
    sum1 = add(sum1, w0, x1[0]);
    let w1 = weight(weights, 4u * (first + quad) + 1u, unit);
    sum0 = add(sum0, w1, x0[1]);
    sum1 = add(sum1, w1, x1[1]);
    let w2 = weight(weights, 4u * (first + quad) + 2u, unit);
    sum0 = add(sum0, w2, x0[2]);
    sum1 = add(sum1, w2, x1[2]);
    let w3 = weight(weights, 4u * (first + quad) + 3u, unit);
    sum0 = add(sum0, w3, x0[3]);
    sum1 = add(sum1, w3, x1[3]);
  }
  return LaneSums(sum0, sum1);
}
