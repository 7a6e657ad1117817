//! Dropout of a case: the layers it asks for, and its masks in the order of the plan's sites.

use rnnkit_core::cell::CellKind;
use rnnkit_core::plan::ModelPlan;
use rnnkit_core::spec::{LayerSpec, MaskShape, RecurrentDropout};

use super::{Case, Problem};

/// Where a model drops values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Dropout {
    /// Nowhere.
    None,
    /// Between its layers, another mask at each time step.
    Between {
        /// Share dropped.
        rate: f64,
    },
    /// On input and recurrence, the same mask at all time steps.
    Variational(RecurrentDropout),
    /// On each cell's input and output.
    Wrapper {
        /// Share of the input dropped.
        input: f64,
        /// Share of the output dropped.
        output: f64,
        /// What has a draw of its own.
        mask: MaskShape,
    },
}

impl Dropout {
    /// The dropout of a case of that section.
    pub fn read(case: &Case) -> Result<Self, Problem> {
        let hyper = &case.hyper;
        match case.kind() {
            "between" => {
                case.check_flavour(&["pytorch"])?;
                Ok(Self::Between { rate: hyper.number("dropout")? })
            }
            kind @ ("variational" | "variational_per_gate") => {
                case.check_flavour(&["none", "keras"])?;
                let (input, recurrent) = (hyper.number("dropout")?, hyper.number("recurrent_dropout")?);
                Ok(Self::Variational(RecurrentDropout { input, recurrent, per_gate: kind == "variational_per_gate" }))
            }
            kind @ ("wrapper" | "wrapper_variational") => {
                case.check_flavour(&["tf1"])?;
                hyper.only("state_keep_prob", 1.0)?;
                let dropped = |name: &str| Ok::<_, Problem>(1.0 - hyper.number(name)?);
                let mask = if kind == "wrapper" { MaskShape::Step } else { MaskShape::Batch };
                Ok(Self::Wrapper { input: dropped("input_keep_prob")?, output: dropped("output_keep_prob")?, mask })
            }
            other => Err(Problem::unsupported("kind", other)),
        }
    }

    /// Layer `index` of `count` recurrent ones, with the dropout around it.
    pub fn around(self, index: usize, count: usize, cell: CellKind, size: usize, bidirectional: bool) -> Vec<LayerSpec> {
        let recurrent = |dropout| LayerSpec::Recurrent { cell, size, bidirectional, dropout };
        let plain = recurrent(RecurrentDropout::default());
        match self {
            Self::Between { rate } if index + 1 < count => vec![plain, LayerSpec::dropout(rate)],
            Self::None | Self::Between { .. } => vec![plain],
            Self::Variational(dropout) => vec![recurrent(dropout)],
            Self::Wrapper { input, output, mask } => {
                vec![LayerSpec::Dropout { rate: input, mask }, plain, LayerSpec::Dropout { rate: output, mask }]
            }
        }
    }

    /// The masks of all sites; `None` for a model without dropout.
    pub fn masks(
        self,
        case: &Case,
        plan: &ModelPlan,
        cell: CellKind,
        lanes: usize,
        time: usize,
    ) -> Result<Option<Vec<Vec<bool>>>, Problem> {
        let layers = case.hyper.integer("layers")?;
        let given = match self {
            Self::None => return Ok(None),
            Self::Between { .. } => between(case)?,
            Self::Variational(dropout) => {
                let order = dropout.per_gate.then(|| gate_order(case, cell)).transpose()?;
                let places = [("mask.input_l", dropout.input), ("mask.recurrent_l", dropout.recurrent)];
                by_layer(case, layers, &places, order.as_deref())?
            }
            Self::Wrapper { input, output, .. } => by_layer(case, layers, &[("mask.input_l", input), ("mask.output_l", output)], None)?,
        };
        let fits = plan.sites.len() == given.len();
        if !fits || plan.sites.iter().zip(&given).any(|(site, mask)| site.elements(lanes, time) != mask.len()) {
            return Err(Problem::unfit("mask", "the masks are not as large as the places of dropout"));
        }
        Ok(Some(given))
    }
}

fn flags(mask: &[f32]) -> Vec<bool> {
    mask.iter().map(|&kept| kept != 0.0).collect()
}

fn real<'a>(case: &'a Case, name: &str) -> Result<&'a [f32], Problem> {
    let shape = case.get(name).ok_or_else(|| Problem::missing(name))?.shape.clone();
    case.real(name, &shape)
}

/// `mask.between` [L-1, T, N, H], cut into the sites.
fn between(case: &Case) -> Result<Vec<Vec<bool>>, Problem> {
    let (_, [sites, ..]) = case.tensor::<4>("mask.between")?;
    let mask = real(case, "mask.between")?;
    Ok(mask.chunks_exact(mask.len() / sites.max(1)).map(flags).collect())
}

/// The masks of each layer, as far as something is dropped there; `order`: where the case has the mask of each of our gates.
fn by_layer(case: &Case, layers: usize, places: &[(&str, f64)], order: Option<&[usize]>) -> Result<Vec<Vec<bool>>, Problem> {
    let mut masks = Vec::new();
    for layer in 0..layers {
        for (name, rate) in places {
            let mask = flags(real(case, &format!("{name}{layer}"))?);
            if *rate == 0.0 {
                continue;
            }
            masks.push(match order {
                Some(order) => {
                    let gate: Vec<&[bool]> = mask.chunks_exact(mask.len() / order.len()).collect();
                    order.iter().flat_map(|&at| gate[at]).copied().collect()
                }
                None => mask,
            });
        }
    }
    Ok(masks)
}

/// For each of the cell's gates its place in the case's `gate_order`; a case of one gate need not say it.
fn gate_order(case: &Case, cell: CellKind) -> Result<Vec<usize>, Problem> {
    let names = cell.gate_names();
    let Some(order) = case.hyper.get("gate_order") else { return Ok((0..names.len()).collect()) };
    let order: Vec<&str> = order.as_array().into_iter().flatten().filter_map(|name| name.as_str()).collect();
    if order.len() != names.len() {
        return Err(Problem::unfit("hyper.gate_order", format!("expected {} gates", names.len())));
    }
    let place = |name: &&str| order.iter().position(|other| other == name);
    names.iter().map(|name| place(name).ok_or_else(|| Problem::unfit("hyper.gate_order", format!("gate {name} is missing")))).collect()
}
