// The end of a window: the states at each lane's end become the carry, unless the call went bad.

struct Arguments {
  carry: u32,
  states: u32,
  // in the plan: [N]
  lengths: u32,
  lanes: u32,
}

var<immediate> arguments: Arguments;
@group(0) @binding(0) var<storage, read_write> arena: array<f32>;
@group(0) @binding(1) var<storage, read_write> carry: array<f32>;
@group(0) @binding(2) var<storage, read> states: array<CarriedState>;
@group(0) @binding(3) var<storage, read_write> state: State;
@group(0) @binding(4) var<storage, read> plan: array<u32>;

@compute @workgroup_size(64)
fn keep_carry(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let index = (group.y * groups.x + group.x) * 64u + thread;
  if (index >= arguments.carry || atomicLoad(&state.first_bad) != NONE_BAD) {
    return;
  }
  var i = arguments.states - 1u;
  while (states[i].begin > index) {
    i--;
  }
  // Row 0 of a state is the one the window started from: that of a lane without any time step.
  let element = index - states[i].begin;
  let length = length_of(element / states[i].size);
  carry[index] = arena[states[i].rows + length * arguments.lanes * states[i].size + element];
}
