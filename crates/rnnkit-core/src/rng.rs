//! Counter-based random numbers: a draw is a function of (seed, stream, instance, index), so it needs no state to be saved.
//!
//! The generator is Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw: "Parallel Random Numbers: As Easy as 1, 2, 3",
//! SC 2011): add, xor and rotate only, so that a shader and JavaScript draw the same bits. A resumed run goes on bit for bit,
//! and threads may draw in any order.

/// Rotations of the first, third and fifth four rounds of Threefry-2x32 (Random123, `R_32x2`).
const EVEN: [u32; 4] = [13, 15, 26, 6];

/// Rotations of the second and fourth four rounds.
const ODD: [u32; 4] = [17, 29, 16, 24];

/// The key schedule's parity word (Skein's, for 32 bits).
const PARITY: u32 = 0x1BD1_1BDA;

/// The second counter word of [`Key::child`]: far above any index of a draw.
const CHILD: u32 = 0xffff_ffff;

/// One block of Threefry-2x32-20: two words for a key and a counter.
#[inline(always)]
pub fn threefry2x32(key: [u32; 2], counter: [u32; 2]) -> [u32; 2] {
    let [k0, k1, k2] = [key[0], key[1], PARITY ^ key[0] ^ key[1]];
    let start = [counter[0].wrapping_add(k0), counter[1].wrapping_add(k1)];
    // Written out, so that a loop over blocks has a straight body and is kept in vectors.
    let x = four_rounds(start, EVEN, [k1, k2.wrapping_add(1)]);
    let x = four_rounds(x, ODD, [k2, k0.wrapping_add(2)]);
    let x = four_rounds(x, EVEN, [k0, k1.wrapping_add(3)]);
    let x = four_rounds(x, ODD, [k1, k2.wrapping_add(4)]);
    four_rounds(x, EVEN, [k2, k0.wrapping_add(5)])
}

/// Four rounds and the key words that are added after them.
#[inline(always)]
fn four_rounds(x: [u32; 2], rotations: [u32; 4], key: [u32; 2]) -> [u32; 2] {
    let round = |[x0, x1]: [u32; 2], rotation: u32| {
        let sum = x0.wrapping_add(x1);
        [sum, x1.rotate_left(rotation) ^ sum]
    };
    let x = round(round(round(round(x, rotations[0]), rotations[1]), rotations[2]), rotations[3]);
    [x[0].wrapping_add(key[0]), x[1].wrapping_add(key[1])]
}

/// What random numbers are for; each purpose has numbers of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Initial parameters; the instance is the tensor's index.
    Init = 1,
    /// Dropout masks; the instance is the step.
    Dropout = 2,
    /// Where windows start; the instance is the epoch.
    Batches = 3,
    /// Choosing symbols; the instance is 0.
    Sampling = 4,
    /// Which gradients are checked; the instance is the tensor's index.
    GradientCheck = 5,
}

/// The key of one sequence of draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key([u32; 2]);

impl Key {
    /// The key of an instance of a stream; `seed` is 0 to 2^53 - 1 where JavaScript has to draw the same.
    pub fn stream(seed: u64, stream: Stream, instance: u32) -> Self {
        Key(threefry2x32(words(seed), [stream as u32, instance]))
    }

    /// An independent key, the `i`-th below this one.
    pub fn child(self, i: u32) -> Self {
        Key(threefry2x32(self.0, [i, CHILD]))
    }

    /// The two words, as a shader wants them.
    pub fn words(self) -> [u32; 2] {
        self.0
    }

    /// Draw `i`: 64 random bits as two words.
    #[inline(always)]
    pub fn bits(self, i: u64) -> [u32; 2] {
        threefry2x32(self.0, words(i))
    }

    /// Draw `i`, uniform in [0, 1): a multiple of 2^-53.
    pub fn uniform(self, i: u64) -> f64 {
        let [w0, w1] = self.bits(i);
        (f64::from(w0 >> 5) * (1u64 << 26) as f64 + f64::from(w1 >> 6)) / (1u64 << 53) as f64
    }

    /// Draw `i`, standard normal, by Box and Muller's transform of the two words (so at most 6.7 away from 0).
    pub fn normal(self, i: u64) -> f64 {
        const WORDS: f64 = (1u64 << 32) as f64;
        let [w0, w1] = self.bits(i);
        // From (0, 1], so that the logarithm is finite.
        let radius = (-2.0 * ((f64::from(w0) + 1.0) / WORDS).ln()).sqrt();
        radius * (std::f64::consts::TAU * f64::from(w1) / WORDS).cos()
    }
}

/// Low and high word.
#[inline(always)]
fn words(x: u64) -> [u32; 2] {
    [x as u32, (x >> 32) as u32]
}

/// The word below which an element is dropped: `rate`, a share in [0, 1), in units of 2^-32.
pub fn threshold(rate: f64) -> u32 {
    debug_assert!((0.0..1.0).contains(&rate), "a dropout rate is in [0, 1)");
    (rate * (1u64 << 32) as f64) as u32
}

/// Whether element `element` of the mask drawn from `key` is kept. Both words of a block serve: element e has word e % 2 of draw e / 2.
#[inline]
pub fn keeps(key: Key, element: u64, threshold: u32) -> bool {
    key.bits(element / 2)[(element % 2) as usize] >= threshold
}

/// Mask bits of the 32 elements from 32 * `index` on, the first in the lowest bit; 1 = kept.
#[inline(always)]
pub fn keep_word(key: Key, index: u64, threshold: u32) -> u32 {
    // Sixteen blocks of two words; their draws share the high word, since 16 divides 2^32.
    let [low, high] = words(index * 16);
    let mut bits = 0;
    for block in 0..16 {
        let [w0, w1] = threefry2x32(key.0, [low + block, high]);
        bits |= (u32::from(w0 >= threshold) | u32::from(w1 >= threshold) << 1) << (2 * block);
    }
    bits
}

/// Fills a dropout mask: 32 elements a word, the first in the lowest bit, 1 = kept; bits past `elements` are 0.
///
/// `words` has `elements.div_ceil(32)` words. The mask does not depend on how the work is cut: see [`keep_word`].
pub fn fill_mask(key: Key, rate: f64, elements: usize, words: &mut [u32]) {
    assert_eq!(words.len(), elements.div_ceil(32), "a mask has one bit for each element");
    let threshold = threshold(rate);
    for (index, word) in words.iter_mut().enumerate() {
        *word = keep_word(key, index as u64, threshold);
    }
    let used = elements % 32;
    if used > 0
        && let Some(last) = words.last_mut()
    {
        *last &= (1 << used) - 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threefry_gives_the_known_answers_of_random123() {
        assert_eq!(threefry2x32([0, 0], [0, 0]), [0x6b20_0159, 0x99ba_4efe]);
        assert_eq!(threefry2x32([!0, !0], [!0, !0]), [0x1cb9_96fc, 0xbb00_2be7]);
        assert_eq!(threefry2x32([0x1319_8a2e, 0x0370_7344], [0x243f_6a88, 0x85a3_08d3]), [0xc492_3a9c, 0x483d_f7a0]);
    }

    #[test]
    fn a_key_is_derived_from_both_halves_of_the_seed() {
        let seed = 0x0012_3456_89ab_cdef;
        let key = Key::stream(seed, Stream::Batches, 7);
        assert_eq!(key.words(), threefry2x32([0x89ab_cdef, 0x0012_3456], [3, 7]));
        assert_eq!(key.child(5).words(), threefry2x32(key.words(), [5, 0xffff_ffff]));
        assert_eq!(key.bits(0x1_0000_0002), threefry2x32(key.words(), [2, 1]));
    }

    #[test]
    fn uniform_joins_27_and_26_bits() {
        let key = Key::stream(1, Stream::Sampling, 0);
        for i in 0..100 {
            let [w0, w1] = key.bits(i);
            let bits = (u64::from(w0 >> 5) << 26) | u64::from(w1 >> 6);
            assert_eq!(key.uniform(i), bits as f64 / 9_007_199_254_740_992.0);
            assert!((0.0..1.0).contains(&key.uniform(i)));
        }
    }

    #[test]
    fn uniform_and_normal_draws_have_their_moments() {
        let key = Key::stream(42, Stream::Init, 0);
        let n = 100_000;
        let mean = |f: &dyn Fn(u64) -> f64| (0..n).map(f).sum::<f64>() / n as f64;
        // Four standard errors of each mean.
        assert!((mean(&|i| key.uniform(i)) - 0.5).abs() < 0.0037);
        assert!((mean(&|i| key.uniform(i).powi(2)) - 1.0 / 3.0).abs() < 0.0038);
        assert!(mean(&|i| key.normal(i)).abs() < 0.0127);
        assert!((mean(&|i| key.normal(i).powi(2)) - 1.0).abs() < 0.018);
        assert!((mean(&|i| key.normal(i).powi(4)) - 3.0).abs() < 0.125);
    }

    #[test]
    fn streams_instances_and_children_differ() {
        let keys = [
            Key::stream(1, Stream::Init, 0),
            Key::stream(1, Stream::Dropout, 0),
            Key::stream(1, Stream::Init, 1),
            Key::stream(2, Stream::Init, 0),
            Key::stream(1, Stream::Init, 0).child(0),
            Key::stream(1, Stream::Init, 0).child(1),
        ];
        for (i, a) in keys.iter().enumerate() {
            assert!(keys[..i].iter().all(|b| a != b));
        }
    }

    #[test]
    fn a_mask_has_a_bit_for_each_element_and_zeros_behind_it() {
        let key = Key::stream(3, Stream::Dropout, 9);
        for elements in [1usize, 31, 32, 33, 77] {
            let mut mask = vec![!0; elements.div_ceil(32)];
            fill_mask(key, 0.3, elements, &mut mask);
            for e in 0..mask.len() * 32 {
                let want = e < elements && keeps(key, e as u64, threshold(0.3));
                assert_eq!(mask[e / 32] >> (e % 32) & 1 == 1, want, "element {e} of {elements}");
            }
        }
    }

    #[test]
    fn a_word_of_a_mask_far_out_has_the_bits_of_its_elements() {
        let key = Key::stream(3, Stream::Dropout, 9);
        let index = (1 << 32) / 16 + 5;
        let word = keep_word(key, index, 1 << 31);
        assert!((0..32).all(|bit| (word >> bit & 1 == 1) == keeps(key, index * 32 + bit, 1 << 31)), "{word:#b}");
    }

    #[test]
    fn a_mask_drops_its_share() {
        let key = Key::stream(3, Stream::Dropout, 1);
        for rate in [0.0, 0.2, 0.5, 0.9] {
            let mut mask = vec![0; 100_000 / 32];
            fill_mask(key, rate, 100_000, &mut mask);
            let kept = mask.iter().map(|w| w.count_ones()).sum::<u32>() as f64 / 1e5;
            assert!((kept - (1.0 - rate)).abs() <= 4.0 * (rate * (1.0 - rate) / 1e5f64).sqrt(), "kept {kept} at rate {rate}");
        }
    }

    #[test]
    fn the_threshold_of_the_largest_rate_still_keeps_something() {
        assert_eq!(threshold(0.0), 0);
        assert_eq!(threshold(0.5), 1 << 31);
        assert_eq!(threshold(1.0 - f64::EPSILON / 2.0), u32::MAX);
    }
}
