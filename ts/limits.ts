/** How much the engine takes of anything; the same constants stand in Rust, and a test compares them. */

/** The largest hidden, dense or embedding size. */
export const MAX_SIZE = 16_384
/** The most layers, those of dropout not counted. */
export const MAX_LAYERS = 16
/** The most symbols of a vocabulary, the unknown one included. */
export const MAX_VOCABULARY = 65_536
/** The most symbols that one call samples. */
export const MAX_SAMPLED = 2 ** 20
