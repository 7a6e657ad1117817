// One state of one layer: [N, size] from element `begin` of the carry on; its rows in the arena, [T + 1, N, size].

struct CarriedState {
  begin: u32,
  size: u32,
  rows: u32,
}
