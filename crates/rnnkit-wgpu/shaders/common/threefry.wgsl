// Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw, SC 2011): the twin of rng.rs in rnnkit-core, bit for bit.

const PARITY = 0x1BD11BDAu;

fn rotate(x: u32, by: u32) -> u32 {
  return (x << by) | (x >> (32u - by));
}

fn one_round(x: vec2<u32>, by: u32) -> vec2<u32> {
  let sum = x.x + x.y;
  return vec2(sum, rotate(x.y, by) ^ sum);
}

fn four_rounds(start: vec2<u32>, by: vec4<u32>, key: vec2<u32>) -> vec2<u32> {
  var x = one_round(start, by.x);
  x = one_round(x, by.y);
  x = one_round(x, by.z);
  x = one_round(x, by.w);
  return x + key;
}

fn threefry(key: vec2<u32>, counter: vec2<u32>) -> vec2<u32> {
  let even = vec4(13u, 15u, 26u, 6u);
  let odd = vec4(17u, 29u, 16u, 24u);
  let k2 = PARITY ^ key.x ^ key.y;
  var x = counter + key;
  x = four_rounds(x, even, vec2(key.y, k2 + 1u));
  x = four_rounds(x, odd, vec2(k2, key.x + 2u));
  x = four_rounds(x, even, vec2(key.x, key.y + 3u));
  x = four_rounds(x, odd, vec2(key.y, k2 + 4u));
  return four_rounds(x, even, vec2(k2, key.x + 5u));
}
