// A step that could overflow is computed and thrown away; if a number of it is not finite, the window is a bad one and nothing is written.
// Other steps end here at once.

@compute @workgroup_size(256)
fn try_update(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let at = (group.y * groups.x + group.x) * 256u + thread;
  if (state.wild == 0u || at >= arguments.elements) {
    return;
  }
  let after = optimizer_step(clipped_gradient(at), element(at));
  let moments = after.moments;
  if (!is_finite_bits(after.parameter) || !is_finite_bits(moments.x) || !is_finite_bits(moments.y) || !is_finite_bits(moments.z)) {
    atomicMin(&state.first_bad, arguments.window);
  }
}
