// Sums and maxima over a workgroup's THREADS threads (a power of two), in an order that their number decides. All threads must come here,
// and all are given the result.

var<workgroup> tree: array<vec2<f32>, THREADS>;

fn sum_of_all(value: vec2<f32>, thread: u32) -> vec2<f32> {
  // what an earlier call left may still be read
  workgroupBarrier();
  tree[thread] = value;
  workgroupBarrier();
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    if (thread < half) {
      tree[thread] += tree[thread + half];
    }
    workgroupBarrier();
  }
  return tree[0];
}

fn largest_of_all(value: f32, thread: u32) -> f32 {
  workgroupBarrier();
  tree[thread].x = value;
  workgroupBarrier();
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    if (thread < half) {
      tree[thread].x = max(tree[thread].x, tree[thread + half].x);
    }
    workgroupBarrier();
  }
  return tree[0].x;
}
