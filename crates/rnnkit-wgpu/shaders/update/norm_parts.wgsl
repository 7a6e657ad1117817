// The largest gradient of each piece of 4,096, and the sum of squares of all divided by it: squares of large gradients would overflow
// (as LAPACK's lassq sums them).

struct Arguments {
  elements: u32,
  // clip each to [-limit, limit]; the largest finite number: do not
  limit: f32,
}

var<immediate> arguments: Arguments;
@group(0) @binding(0) var<storage, read_write> gradients: array<f32>;
@group(0) @binding(1) var<storage, read_write> parts: array<NormPart>;

const THREADS = 256u;
const EACH = 16u;

var<workgroup> bad: atomic<u32>;
var<workgroup> clipped: atomic<u32>;

@compute @workgroup_size(256)
fn norm_parts(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let part = group.y * groups.x + group.x;
  let begin = part * THREADS * EACH;
  if (begin >= arguments.elements) {
    return;
  }
  if (thread == 0u) {
    atomicStore(&bad, 0u);
    atomicStore(&clipped, 0u);
  }
  workgroupBarrier();
  var most = 0.0;
  for (var i = 0u; i < EACH; i++) {
    let at = begin + i * THREADS + thread;
    if (at < arguments.elements) {
      let g = gradients[at];
      if (is_finite_bits(g)) {
        most = max(most, abs(g));
      } else {
        atomicStore(&bad, 1u);
      }
      if (abs(g) > arguments.limit) {
        atomicStore(&clipped, 1u);
      }
    }
  }
  most = largest_of_all(most, thread);
  var sum = 0.0;
  if (most > 0.0) {
    for (var i = 0u; i < EACH; i++) {
      let at = begin + i * THREADS + thread;
      if (at < arguments.elements) {
        let g = gradients[at] / most;
        sum += g * g;
      }
    }
  }
  let squares = sum_of_all(vec2(sum, 0.0), thread).x;
  if (thread == 0u) {
    parts[part] = NormPart(most, squares, atomicLoad(&bad), atomicLoad(&clipped));
  }
}
