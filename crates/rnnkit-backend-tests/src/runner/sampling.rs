//! Sampling: the core's one sampler, whatever the device.

use rnnkit_core::sampler::{Chooser, SamplingOptions};

use super::{Case, Computed, Problem, Tensor};

/// Runs a case of sampling.
pub fn run(case: &Case) -> Result<Computed, Problem> {
    case.check_flavour(&["none"])?;
    let greedy = match case.kind() {
        "temperature" | "top_k" | "top_p" | "combined" => false,
        "greedy" => true,
        other => return Err(Problem::unsupported("kind", other)),
    };
    let hyper = &case.hyper;
    hyper.only("order", vec!["temperature", "top_k", "top_p"])?;
    hyper.only("ties", "first")?;
    let options = SamplingOptions {
        temperature: hyper.number("temperature")?,
        top_k: hyper.integer("top_k")?,
        top_p: hyper.number("top_p")?,
        min_p: 0.0,
        greedy,
    };
    let (_, [rows, vocabulary]) = case.tensor("input.logits")?;
    let logits = case.real("input.logits", &[rows, vocabulary])?;
    let draws = match case.get("input.u") {
        Some(_) => Some(case.real("input.u", &[rows])?),
        None => None,
    };
    let mut chooser = Chooser::new(options, vocabulary)?;
    let (mut probabilities, mut kept, mut samples) = (Vec::new(), Vec::new(), Vec::new());
    for (row, logits) in logits.chunks_exact(vocabulary).enumerate() {
        let of_row = chooser.probabilities(logits)?;
        kept.push(of_row.iter().filter(|&&p| p > 0.0).count() as i32);
        probabilities.extend_from_slice(of_row);
        // Greedy needs no draw.
        if let Some(draw) = draws.map(|draws| draws[row]).or(greedy.then_some(0.0)) {
            samples.push(chooser.choose(logits, f64::from(draw))? as i32);
        }
    }
    let mut computed = Computed::from([
        ("expect.probabilities".to_owned(), Tensor::real(&[rows, vocabulary], &probabilities)),
        ("expect.kept".to_owned(), Tensor::integers(&[rows], kept)),
    ]);
    if samples.len() == rows {
        computed.insert("expect.sample".to_owned(), Tensor::integers(&[rows], samples));
    }
    Ok(computed)
}
