// Gradients of the predictions times the factor that only the whole sum gives: that of a root.

struct Arguments {
  elements: u32,
}

var<immediate> arguments: Arguments;
@group(0) @binding(0) var<storage, read_write> gradients: array<f32>;
@group(0) @binding(1) var<storage, read_write> state: State;

@compute @workgroup_size(64)
fn scale_gradients(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let index = (group.y * groups.x + group.x) * 64u + thread;
  if (index < arguments.elements) {
    gradients[index] *= state.factor;
  }
}
