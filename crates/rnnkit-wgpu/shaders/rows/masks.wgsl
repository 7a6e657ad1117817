// Dropout's mask bits of one site, a word a thread, 1 = kept: those that rng.rs draws for the same key.

struct Arguments {
  // words of the mask
  count: u32,
  // the first one's place
  at: u32,
  key_low: u32,
  key_high: u32,
  // the word below which an element is dropped
  threshold: u32,
}

var<immediate> arguments: Arguments;
@group(0) @binding(0) var<storage, read_write> words: array<u32>;

@compute @workgroup_size(64)
fn masks(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let index = (group.y * groups.x + group.x) * 64u + thread;
  if (index >= arguments.count) {
    return;
  }
  let key = vec2(arguments.key_low, arguments.key_high);
  var bits = 0u;
  for (var i = 0u; i < 16u; i++) {
    // the host refuses masks of 2^32 elements, so the draw's number has one word
    let drawn = threefry(key, vec2(index * 16u + i, 0u));
    bits |= (u32(drawn.x >= arguments.threshold) | (u32(drawn.y >= arguments.threshold) << 1u)) << (2u * i);
  }
  words[arguments.at + index] = bits;
}
