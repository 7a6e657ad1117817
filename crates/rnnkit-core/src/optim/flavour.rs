//! Whose form of an optimizer is meant, where the libraries differ.
//!
//! | | PyTorch | Keras 3 | TensorFlow 1 |
//! | --- | --- | --- | --- |
//! | SGD: learning rate | outside of the momentum buffer | inside | outside |
//! | RMSprop: learning rate | outside of the momentum buffer | inside | inside |
//! | Adagrad, RMSprop: epsilon | outside of the root | inside | inside |
//! | Adam: epsilon | added to the corrected root | to the uncorrected root | to the uncorrected root |
//! | weight decay | in the gradient (AdamW: apart from it) | apart from it, in every optimizer | none |
//!
//! What the moments start from differs too, but is a number among the options.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A library whose form of an optimizer is followed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flavour {
    /// PyTorch's `torch.optim`.
    #[default]
    PyTorch,
    /// Keras 3's `keras.optimizers`, whose formulas TensorFlow 2 shares.
    Keras,
    /// TensorFlow 1's `tf.train`.
    Tf1,
}

/// An epsilon beside a root, `sqrt(x + inside) + outside`; one of the two is 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Epsilon {
    /// Added under the root.
    pub inside: f64,
    /// Added to the root.
    pub outside: f64,
}

/// Weight decay in one step; one of the two is neutral, so that all forms share one loop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decay {
    /// Factor of the parameter, apart from the gradient.
    pub shrink: f64,
    /// Share of the parameter that is added to the gradient.
    pub penalty: f64,
}

impl Decay {
    /// Decay apart from the gradient.
    pub(super) fn decoupled(learning_rate: f64, weight_decay: f64) -> Self {
        Self { shrink: 1.0 - learning_rate * weight_decay, penalty: 0.0 }
    }
}

impl Flavour {
    /// The name in options.
    fn name(self) -> &'static str {
        match self {
            Flavour::PyTorch => "pytorch",
            Flavour::Keras => "keras",
            Flavour::Tf1 => "tf1",
        }
    }

    /// Where the epsilon of Adagrad and RMSprop stands.
    pub(super) fn epsilon(self, epsilon: f64) -> Epsilon {
        match self {
            Flavour::PyTorch => Epsilon { inside: 0.0, outside: epsilon },
            Flavour::Keras | Flavour::Tf1 => Epsilon { inside: epsilon, outside: 0.0 },
        }
    }

    /// Weight decay of an optimizer that does not always decouple it.
    pub(super) fn decay(self, learning_rate: f64, weight_decay: f64) -> Decay {
        match self {
            Flavour::PyTorch | Flavour::Tf1 => Decay { shrink: 1.0, penalty: weight_decay },
            Flavour::Keras => Decay::decoupled(learning_rate, weight_decay),
        }
    }

    /// Refuses an option, given as `value`, unless it is off (0) or this is one of the flavours that have it.
    pub(super) fn check_option(self, field: &str, value: f64, has_it: &[Flavour]) -> Result<()> {
        if value == 0.0 || has_it.contains(&self) {
            return Ok(());
        }
        let names: Vec<String> = has_it.iter().map(|flavour| format!("'{}'", flavour.name())).collect();
        Err(Error::invalid(field, value, format!("0 in flavour '{}': only {} can have more", self.name(), names.join(" and "))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_of_other_flavours_is_refused_unless_it_is_off() {
        let has_it = [Flavour::PyTorch, Flavour::Keras];
        assert!(Flavour::Keras.check_option("optimizer.x", 0.5, &has_it).is_ok());
        assert!(Flavour::Tf1.check_option("optimizer.x", 0.0, &has_it).is_ok());
        let refused = Flavour::Tf1.check_option("optimizer.x", 0.5, &has_it).unwrap_err().to_string();
        assert_eq!(refused, "optimizer.x is 0.5; it must be 0 in flavour 'tf1': only 'pytorch' and 'keras' can have more");
    }

    #[test]
    fn names_are_those_of_the_options() {
        for flavour in [Flavour::PyTorch, Flavour::Keras, Flavour::Tf1] {
            assert_eq!(serde_json::to_string(&flavour).unwrap(), format!("\"{}\"", flavour.name()));
        }
    }
}
