// ElmanTanh: of 4 k a thread, 4 in registers, 0 in workgroup memory.

const SIZE = 7u;
const PARTS = 2u;
const LANES = 1u;
const QUADS = 1u;

struct Held {
  k0: PackedGates,
  k1: PackedGates,
  k2: PackedGates,
  k3: PackedGates,
}

fn load_held(weights: u32, unit: u32, part: u32) -> Held {
  return Held(
    weight(weights, 4u * QUADS * part + 0u, unit),
    weight(weights, 4u * QUADS * part + 1u, unit),
    weight(weights, 4u * QUADS * part + 2u, unit),
    weight(weights, 4u * QUADS * part + 3u, unit),
  );
}

fn store_weights(weights: u32, unit: u32, part: u32, thread: u32) {
}

struct LaneSums {
  lane0: Gates,
}

fn share(sums: LaneSums, unit: u32, part: u32) {
  partial[(part * LANES + 0u) * SIZE + unit] = share_of(sums.lane0);
}

fn product(held: Held, weights: u32, unit: u32, part: u32, thread: u32) -> LaneSums {
  let first = QUADS * part;
  var sum0: Gates;
  {
    let x0 = operand[0u * LANE_QUADS + first + 0u];
    let w0 = held.k0;
    sum0 = add(sum0, w0, x0[0]);
    let w1 = held.k1;
    sum0 = add(sum0, w1, x0[1]);
    let w2 = held.k2;
    sum0 = add(sum0, w2, x0[2]);
    let w3 = held.k3;
    sum0 = add(sum0, w3, x0[3]);
  }
  return LaneSums(sum0);
}
