//! Names the formats that people mistake for ours, from a file's first bytes.

/// What the file seems to be, as a phrase with an article; `opening` is its beginning, up to [`OPENING_BYTES`].
///
/// Asked only when the bytes do not begin as safetensors do: a header length can look like another format's mark.
pub(super) fn name(opening: &[u8]) -> Option<&'static str> {
    let known: [(&[u8], &str); 8] = [
        (b"PK\x03\x04", "a zip archive (PyTorch's .pt and Keras's .keras are such)"),
        (b"PK\x05\x06", "an empty zip archive"),
        (b"\x1f\x8b", "a gzip file"),
        (b"GGUF", "a GGUF file"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file (Keras's .h5 is such)"),
        (b"\x93NUMPY", "a NumPy array"),
        (b"\xef\xbb\xbf", "a text file with a byte order mark"),
        (b"version https://git-lfs", "a Git LFS pointer, not the file it stands for"),
    ];
    if let Some((_, name)) = known.into_iter().find(|(mark, _)| opening.starts_with(mark)) {
        return Some(name);
    }
    if is_pickle(opening) {
        return Some("a Python pickle (older .pt and .pkl files are such)");
    }
    text(opening)
}

/// Bytes that suffice to name a format.
pub(super) const OPENING_BYTES: usize = 512;

/// Protocol mark and version; the length of a small header, cut short after its zeros, begins with the same two bytes.
fn is_pickle(opening: &[u8]) -> bool {
    let rest = opening.get(2..opening.len().min(8)).unwrap_or_default();
    opening.first() == Some(&0x80) && opening.get(1).is_some_and(|version| (2..=5).contains(version)) && rest.iter().any(|&byte| byte != 0)
}

fn text(opening: &[u8]) -> Option<&'static str> {
    let text = match std::str::from_utf8(opening) {
        Ok(text) => text,
        // The last character may be cut in two by the end of the opening.
        Err(error) if error.error_len().is_none() => std::str::from_utf8(&opening[..error.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    if text.is_empty() || text.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return None;
    }
    let start = text.trim_start().to_ascii_lowercase();
    Some(match start.as_bytes().first() {
        Some(b'<') if start.starts_with("<!doctype html") || start.starts_with("<html") => "an HTML page",
        Some(b'<') => "an XML or HTML text",
        Some(b'{' | b'[') => "a JSON text",
        _ => "a text file",
    })
}
