// The largest gradient of each piece of 4,096, and the sum of squares of all divided by it: squares of large gradients would overflow
// (as LAPACK's lassq sums them).

struct Arguments {
  elements: u32,
  // clip each to [-limit, limit]; the largest finite number: do not
  limit: f32,
}

struct NormPart {
  largest: f32,
  squares: f32,
  // 1: a gradient is not finite
  bad: u32,
  // 1: a gradient was clipped
  clipped: u32,
}

var<immediate> arguments: Arguments;
@group(0) @binding(0) var<storage, read_write> gradients: array<f32>;
@group(0) @binding(1) var<storage, read_write> parts: array<NormPart>;

const THREADS = 256u;
const EACH = 16u;

var<workgroup> largest: array<f32, 256>;
var<workgroup> squares: array<f32, 256>;
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
  largest[thread] = most;
  workgroupBarrier();
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    if (thread < half) {
      largest[thread] = max(largest[thread], largest[thread + half]);
    }
    workgroupBarrier();
  }
  most = largest[0];
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
  squares[thread] = sum;
  workgroupBarrier();
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    if (thread < half) {
      squares[thread] += squares[thread + half];
    }
    workgroupBarrier();
  }
  if (thread == 0u) {
    parts[part] = NormPart(most, squares[0], atomicLoad(&bad), atomicLoad(&clipped));
  }
}
