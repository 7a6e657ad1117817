// Where a recurrent layer's values lie, and the bindings of every kernel that runs one. Offsets are in elements of their buffer.

const NOWHERE = 0xffffffffu;

struct Layer {
  // hidden size H
  size: u32,
  // packed W_hh: [k][unit] in gates forward, [unit][j] in gates back
  weights: u32,
  weights_back: u32,
  // packed W_ih, where this layer reads the one below within its own kernel: [k][unit]; and back, into the one below: [unit][j]
  input_weights: u32,
  input_weights_back: u32,
  // in the parameters, gates in blocks
  bias_input: u32,
  bias_hidden: u32,
  // the rows that enter it [T, N, E], for the same purpose
  input: u32,
  input_size: u32,
  // input pre-activations, bias included: a row for each symbol, or NOWHERE: a row for each position, where `gates` is
  table: u32,
  // [T + 1, N, H]: the state the window starts from, then that after each time step
  hidden: u32,
  cell_state: u32,
  // [T, N, H]
  kept: u32,
  // [T, N, G*H], gates in blocks
  gates: u32,
  // gradients of the pre-activations, [T, N, G*H]
  d_input: u32,
  d_hidden: u32,
  // gradient of the output, [T, N, H]
  d_output: u32,
  // gradient of h from above and from the step after, [T, N, H], or NOWHERE
  d_state: u32,
  // gradients that flow to the step before, [N, H]
  d_carry_hidden: u32,
  d_carry_cell: u32,
  // the dropout behind it, or NOWHERE: its output and that one's gradient [T, N, H], its mask's first word, and the factor of what is kept
  dropped: u32,
  d_dropped: u32,
  mask: u32,
  keep_factor: f32,
}

@group(0) @binding(0) var<storage, read_write> arena: array<f32>;
@group(0) @binding(1) var<storage, read_write> packed: array<PackedGates>;
@group(0) @binding(2) var<storage, read_write> parameters: array<f32>;
@group(0) @binding(3) var<storage, read_write> words: array<u32>;
@group(0) @binding(4) var<storage, read> layers: array<Layer>;
@group(0) @binding(5) var<storage, read> plan: array<u32>;

// What dropout multiplies element `element` of a mask by.
fn drop_factor(layer: Layer, element: u32, masked: bool) -> f32 {
  if (!masked) {
    return 1.0;
  }
  let kept = (words[layer.mask + element / 32u] >> (element % 32u)) & 1u;
  return select(0.0, layer.keep_factor, kept == 1u);
}
