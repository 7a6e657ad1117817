// One optimizer step on element after element of the flat buffers. Joined behind an optimizer's file, which says MOMENTS, the struct
// Optimizer of its numbers, and optimizer_step.

struct Arguments {
  elements: u32,
  window: u32,
  // clip each gradient to [-limit, limit]; the largest finite number: do not
  limit: f32,
  optimizer: Optimizer,
}

var<immediate> arguments: Arguments;
@group(0) @binding(0) var<storage, read_write> parameters: array<f32>;
@group(0) @binding(1) var<storage, read_write> gradients: array<f32>;
@group(0) @binding(2) var<storage, read_write> first_moment: array<f32>;
@group(0) @binding(3) var<storage, read_write> second_moment: array<f32>;
@group(0) @binding(4) var<storage, read_write> third_moment: array<f32>;
@group(0) @binding(5) var<storage, read_write> state: State;

// The gradient of an element after clipping.
fn clipped_gradient(at: u32) -> f32 {
  return clamp(gradients[at] * state.scale, -arguments.limit, arguments.limit);
}

// A parameter and its moments.
struct Element {
  parameter: f32,
  moments: vec3<f32>,
}

fn element(at: u32) -> Element {
  var e = Element(parameters[at], vec3(0.0));
  if (MOMENTS > 0u) {
    e.moments.x = first_moment[at];
  }
  if (MOMENTS > 1u) {
    e.moments.y = second_moment[at];
  }
  if (MOMENTS > 2u) {
    e.moments.z = third_moment[at];
  }
  return e;
}
