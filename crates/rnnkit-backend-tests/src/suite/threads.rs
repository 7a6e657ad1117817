//! What may not change a number: how many threads there are, and so how work is shared out to them.

use rnnkit_core::backend::Backend;
use rnnkit_core::spec::{InputSpec, LayerSpec};
use rnnkit_core::window::Masks;

use super::layers::bidirectional;
use super::models::{CELLS, Sample, Sizes, symbols};
use super::paths::two_windows;
use super::{Make, samples};
use crate::tolerances::BITS;

/// Backends that differ in threads alone: the same losses, norms, gradients, parameters and carry to the bit as the first one's.
pub fn backends_give_the_same_bits<B: Backend>(makes: &[Make<'_, B>]) {
    for sample in samples().iter().chain(&shared_out()) {
        let first = two_windows(makes[0](), sample);
        for make in &makes[1..] {
            let outcome = two_windows(make(), sample);
            BITS.assert(&format!("{}: losses and norms", sample.name), &outcome.losses, &first.losses);
            BITS.assert(&format!("{}: gradients", sample.name), &outcome.gradients, &first.gradients);
            outcome.state.assert_same(&first.state, &sample.name);
        }
    }
}

/// Every cell in layers from small to large over few lanes and many, so that work is shared out in every way there is: by lanes, by columns,
/// not at all. All have two layers with dropout between them; one-hot and embedding, one direction and two take turns.
fn shared_out() -> Vec<Sample> {
    let of = |(cell, size, lanes, time, embedding, directions)| {
        let mut spec = symbols(cell, 37, &[size, size]);
        if embedding {
            spec.input = InputSpec::Embedding { vocabulary: 37, size: 21 };
        }
        if directions == 2 {
            spec.layers[0] = bidirectional(cell, size);
        }
        spec.layers.insert(1, LayerSpec::dropout(0.3));
        let mut sample = Sample::new(format!("{cell:?}, 2 x {size}, {lanes} lanes"), spec, Sizes { lanes, time, windows: 2 });
        // Weights as a new model of that size has them: gates that saturate would hide a wrong gradient.
        let scale = 1.0 / (size as f64).sqrt();
        sample.parameters.iter_mut().for_each(|parameter| *parameter = f64::from((*parameter * scale) as f32));
        sample.setup.masks = Masks::Drawn { seed: 5 };
        sample
    };
    let shapes = |cell| {
        let (small, middle) = ((cell, 24, 9, 6, true, 2), (cell, 160, 40, 4, false, 2));
        [small, middle, (cell, 96, 50, 6, false, 1), (cell, 300, 5, 5, true, 1), (cell, 520, 18, 3, false, 1)]
    };
    CELLS.into_iter().flat_map(shapes).map(of).collect()
}
