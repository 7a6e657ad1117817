// Sums over rows for FEATURES neighbouring features in a workgroup of 256 threads: thread i takes every TURNS-th row of feature
// i % FEATURES, and a feature's turns are added in order. So the order of a sum depends on the number of rows alone.

const FEATURES = 16u;
const TURNS = 16u;

var<workgroup> turns: array<vec2<f32>, 256>;

// The sum of a feature's threads, for each of them. All threads must come here.
fn sum_of_turns(value: vec2<f32>, thread: u32) -> vec2<f32> {
  // what an earlier call left may still be read
  workgroupBarrier();
  turns[thread] = value;
  workgroupBarrier();
  var sum = vec2(0.0);
  for (var turn = 0u; turn < TURNS; turn++) {
    sum += turns[turn * FEATURES + thread % FEATURES];
  }
  return sum;
}
