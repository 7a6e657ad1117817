// Gradients of a dense layer's output become those of its pre-activations, in place.

struct Arguments {
  elements: u32,
  activation: u32,
}

var<immediate> arguments: Arguments;
@group(0) @binding(0) var<storage, read_write> output: array<f32>;
@group(0) @binding(1) var<storage, read_write> gradient: array<f32>;

@compute @workgroup_size(64)
fn activation_backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let index = (group.y * groups.x + group.x) * 64u + thread;
  if (index >= arguments.elements) {
    return;
  }
  gradient[index] = activation_gradient(arguments.activation, output[index], gradient[index]);
}
