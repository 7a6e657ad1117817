//! [`Isa`]: which instruction set to use, found once at run time, and the way a kernel gets compiled for it.

#[cfg(target_arch = "aarch64")]
use super::neon::Neon;
use super::portable::Portable;
use super::set::Simd;
#[cfg(target_arch = "x86_64")]
use super::{avx2::Avx2, avx512::Avx512};
use rnnkit_core::{Error, Result};
#[cfg(target_arch = "aarch64")]
use std::arch::is_aarch64_feature_detected;

/// A computation written once for all instruction sets.
pub trait Kernel {
    /// What it returns.
    type Output;
    /// The computation; must be `#[inline(always)]`, as must be all that it calls.
    fn run<S: Simd>(self) -> Self::Output;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "aarch64")]
    Neon,
    Portable,
}

/// An instruction set that this machine has: there is no other way to make one than to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Isa(Set);

impl Isa {
    /// The variable that names the instruction set to use instead of the best one.
    pub const VARIABLE: &str = "RNNKIT_ISA";

    /// The best instruction set of this machine, or the one that the variable `RNNKIT_ISA` names.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the variable names none that this machine has.
    pub fn detect() -> Result<Self> {
        match std::env::var_os(Self::VARIABLE) {
            None => Ok(Self::best()),
            Some(name) => Self::named(&name.to_string_lossy()),
        }
    }

    /// The best instruction set of this machine.
    pub fn best() -> Self {
        Self::available().next().expect("the portable form runs everywhere")
    }

    /// The instruction sets of this machine, best first.
    pub fn available() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let wide = {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let avx512 = avx2 && is_x86_feature_detected!("avx512f");
            [avx512.then_some(Self(Set::Avx512)), avx2.then_some(Self(Set::Avx2))]
        };
        #[cfg(target_arch = "aarch64")]
        let wide = [is_aarch64_feature_detected!("neon").then_some(Self(Set::Neon))];
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        let wide = [None; 0];
        wide.into_iter().flatten().chain([Self(Set::Portable)])
    }

    /// The instruction set called `name`: `avx512`, `avx2`, `neon` or `portable`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if this machine has none of that name.
    pub fn named(name: &str) -> Result<Self> {
        Self::available().find(|isa| isa.name() == name).ok_or_else(|| Error::Invalid {
            field: Self::VARIABLE.into(),
            value: format!("{name:?}"),
            expected: format!("one that this machine has: {}", Self::available().map(Self::name).collect::<Vec<_>>().join(", ")),
        })
    }

    /// Its name in lower case.
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => "avx2",
            #[cfg(target_arch = "aarch64")]
            Set::Neon => "neon",
            Set::Portable => "portable",
        }
    }

    /// True if a multiplication and an addition are rounded once, so that the bits are those of every such machine.
    pub fn is_fused(self) -> bool {
        self.0 != Set::Portable || Portable::FUSED
    }

    /// Runs `kernel`, compiled for this instruction set.
    #[inline]
    pub fn dispatch<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: an `Isa` is made by `available` alone, which found AVX-512F, AVX2 and FMA.
            Set::Avx512 => unsafe { run_avx512(kernel) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: an `Isa` is made by `available` alone, which found AVX2 and FMA.
            Set::Avx2 => unsafe { run_avx2(kernel) },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: an `Isa` is made by `available` alone, which found NEON.
            Set::Neon => unsafe { run_neon(kernel) },
            Set::Portable => kernel.run::<Portable>(),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx512>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx2>()
}

#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon")]
fn run_neon<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Neon>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_available_set_is_found_by_its_name_and_another_is_refused() {
        for isa in Isa::available() {
            assert_eq!(Isa::named(isa.name()), Ok(isa));
        }
        let error = Isa::named("abacus").expect_err("no machine has it").to_string();
        assert!(error.contains("RNNKIT_ISA") && error.contains("abacus") && error.contains("portable"), "{error}");
    }
}
