// The start of a window: the symbols of its positions (none past a lane's end), and the states that its lanes start from (zero where a
// lane resets).

struct Arguments {
  // positions T * N; 0 for real input
  rows: u32,
  lanes: u32,
  // what stands where there is no symbol: the number of symbols
  vocabulary: u32,
  // elements of the carry
  carry: u32,
  // layers' states in the carry
  states: u32,
  // in the plan: [N] each
  starts: u32,
  resets: u32,
  lengths: u32,
}

var<immediate> arguments: Arguments;
@group(0) @binding(0) var<storage, read_write> arena: array<f32>;
@group(0) @binding(1) var<storage, read_write> words: array<u32>;
@group(0) @binding(2) var<storage, read_write> carry: array<f32>;
@group(0) @binding(3) var<storage, read> plan: array<u32>;
@group(0) @binding(4) var<storage, read> symbols: array<u32>;
@group(0) @binding(5) var<storage, read> states: array<CarriedState>;

@compute @workgroup_size(64)
fn gather(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let index = (group.y * groups.x + group.x) * 64u + thread;
  if (index < arguments.rows) {
    var symbol = arguments.vocabulary;
    if (is_within(index)) {
      symbol = symbols[plan[arguments.starts + lane_of_row(index)] + step_of_row(index)];
    }
    words[index] = symbol;
  }
  if (index < arguments.carry) {
    var i = arguments.states - 1u;
    while (states[i].begin > index) {
      i--;
    }
    let state = states[i];
    let element = index - state.begin;
    let resets = plan[arguments.resets + element / state.size] != 0u;
    // a reset lane's carry is not looked at: it may be anything
    var value = 0.0;
    if (!resets) {
      value = carry[index];
    }
    arena[state.rows + element] = value;
  }
}
