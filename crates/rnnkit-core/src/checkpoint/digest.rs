//! SHA-256 over a whole file, with the digest's own digits read as zeros.

use sha2::{Digest, Sha256};

use super::{code, problem};
use crate::error::Result;

/// What stands before the digits, in the metadata value `digest`.
pub(super) const PREFIX: &str = "sha256:";
/// Stands for the digits until they are known, and while they are checked.
pub(super) const ZEROS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The digest of a file of which the header is known; the data are still to come.
pub(super) struct FileDigest(Sha256);

impl FileDigest {
    /// `header` is the JSON with its padding and with [`ZEROS`] for the digits; its length is hashed before it, as in the file.
    pub fn new(header: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update((header.len() as u64).to_le_bytes());
        hash.update(header);
        FileDigest(hash)
    }

    /// Adds the next piece of the data.
    pub fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    /// The 64 lower-case digits.
    pub fn digits(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The digest a file claims, ready to be compared.
pub(super) struct Claim {
    digest: FileDigest,
    digits: String,
}

impl Claim {
    /// Takes the claim `value` (metadata key `digest`) out of `header`, where it must stand once, unescaped.
    pub fn new(header: &str, value: Option<&String>) -> Result<Self> {
        let refuse = |text: &str| problem(code::DIGEST, "digest", text);
        let value = value.ok_or_else(|| refuse("the file has none; it was not written whole"))?;
        let digits = value.strip_prefix(PREFIX).filter(|digits| {
            digits.len() == ZEROS.len() && digits.bytes().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit))
        });
        let digits = digits.ok_or_else(|| refuse("it is not 'sha256:' and 64 lower-case hexadecimal digits"))?;
        let mut places = header.match_indices(value.as_str()).map(|(at, _)| at);
        let (Some(at), None) = (places.next(), places.next()) else {
            return Err(refuse("it does not stand in the header exactly once"));
        };
        let (start, end) = (at + PREFIX.len(), at + value.len());
        let zeroed = [&header[..start], ZEROS, &header[end..]].concat();
        Ok(Claim { digest: FileDigest::new(zeroed.as_bytes()), digits: digits.to_owned() })
    }

    /// Whether `data`, all that follows the header, is what was written.
    pub fn check(mut self, data: &[u8]) -> Result<()> {
        self.digest.update(data);
        if self.digest.digits() == self.digits {
            return Ok(());
        }
        Err(problem(code::DIGEST, "digest", "the content is not what was written: the file is damaged; take another copy"))
    }
}
