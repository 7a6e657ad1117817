// The step itself, unless the call went bad. The gradients are left clipped.

@compute @workgroup_size(256)
fn update(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let at = (group.y * groups.x + group.x) * 256u + thread;
  if (at >= arguments.elements || atomicLoad(&state.first_bad) != NONE_BAD) {
    return;
  }
  let gradient = clipped_gradient(at);
  let after = optimizer_step(gradient, element(at));
  gradients[at] = gradient;
  parameters[at] = after.parameter;
  if (MOMENTS > 0u) {
    first_moment[at] = after.moments.x;
  }
  if (MOMENTS > 1u) {
    second_moment[at] = after.moments.y;
  }
  if (MOMENTS > 2u) {
    third_moment[at] = after.moments.z;
  }
}
