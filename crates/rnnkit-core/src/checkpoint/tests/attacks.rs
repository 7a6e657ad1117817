//! Hostile and foreign files: one for each rule, each refused with its own code, each with no other defect.

use super::*;
use crate::checkpoint::digest::{FileDigest, PREFIX, ZEROS};
use crate::checkpoint::{Limits, MAX_TENSORS, code};

/// The metadata of a checkpoint, digest still zeros.
const OURS: &str =
    r#""digest":"sha256:0000000000000000000000000000000000000000000000000000000000000000","format":"rnnkit","format_version":"1""#;
/// A good entry of 8 bytes.
const GOOD: &str = r#""a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#;

/// A file of this header and data, with the digest put in, so that only the defect at hand can be what is refused.
fn sealed(header: &str, data: &[u8]) -> Vec<u8> {
    let padding = header.len().next_multiple_of(8) - header.len();
    let header = header.to_owned() + &" ".repeat(padding);
    let mut digest = FileDigest::new(header.as_bytes());
    digest.update(data);
    let header = header.replace(&[PREFIX, ZEROS].concat(), &[PREFIX, &digest.digits()].concat());
    framed(header.as_bytes(), data)
}

fn framed(header: &[u8], data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header, data].concat()
}

/// A sealed file with these entries and 8 bytes of data.
fn entries(entries: &str) -> Vec<u8> {
    sealed(&format!("{{\"__metadata__\":{{{OURS}}},{entries}}}"), &[0; 8])
}

/// A sealed file with one tensor `a`, described so.
fn tensor(description: &str) -> Vec<u8> {
    entries(&format!("\"a\":{{{description}}}"))
}

/// A sealed file with this metadata and one good tensor.
fn metadata(text: &str) -> Vec<u8> {
    sealed(&format!("{{\"__metadata__\":{text},{GOOD}}}"), &[0; 8])
}

fn assert_refused(table: &[(&str, Vec<u8>, &str, &str)]) {
    for (what, bytes, code, in_message) in table {
        let error = read_bytes(bytes).expect_err(what);
        assert_eq!(error.code(), *code, "{what}: {error}");
        assert!(error.to_string().contains(in_message), "{what}: {error}");
        assert!(error.to_string().len() < 400, "{what}: a message of {} bytes", error.to_string().len());
    }
}

#[test]
fn the_file_without_an_attack_is_accepted() {
    assert_eq!(read_bytes(&entries(GOOD)).map(|checkpoint| checkpoint.entries().len()), Ok(1));
    assert!(read_plain_bytes(&entries(GOOD)).is_ok());
}

#[test]
fn sizes_that_do_not_fit_the_file_are_refused() {
    let with_length = |length: u64| [&length.to_le_bytes(), &entries(GOOD)[8..]].concat();
    assert_refused(&[
        ("empty", vec![], code::TRUNCATED, "0 bytes"),
        ("seven bytes", vec![0; 7], code::TRUNCATED, "7 bytes"),
        ("header length 0", with_length(0), code::HEADER, "it is 0"),
        ("header over 1 MiB", with_length((1 << 20) + 1), code::HEADER, "1048577"),
        ("header of 2^64 - 1", with_length(u64::MAX), code::HEADER, "18446744073709551615"),
        ("header longer than the file", with_length(1 << 20), code::TRUNCATED, "1048576"),
        ("header a byte too short", with_length(8), code::HEADER, "JSON object"),
    ]);
}

#[test]
fn a_plain_header_may_be_large_and_a_checkpoints_may_not() {
    let header = format!("{{{GOOD}{}}}", " ".repeat(2 << 20));
    let bytes = framed(header.as_bytes(), &[0; 8]);
    assert!(read_plain_bytes(&bytes).is_ok());
    assert_eq!(read_bytes(&bytes).expect_err("over 1 MiB").code(), code::HEADER);
    let over = [&100_000_001_u64.to_le_bytes(), &bytes[8..]].concat();
    assert_eq!(read_plain_bytes(&over).expect_err("over 100 MB").code(), code::HEADER);
}

#[test]
fn text_that_is_not_one_json_object_is_refused() {
    let good = format!("{{\"__metadata__\":{{{OURS}}},{GOOD}}}");
    let unsealed = |header: &[u8]| framed(header, &[0; 8]);
    let deep = format!("\"a\":{}1{}", "[".repeat(5000), "]".repeat(5000));
    assert_refused(&[
        ("invalid UTF-8", unsealed(b"{\"\xff\":1}"), code::HEADER, "invalid UTF-8 after 2 bytes"),
        ("a surrogate in UTF-8", unsealed(b"{\"\xed\xa0\x80\":1}"), code::HEADER, "invalid UTF-8"),
        ("an escaped lone surrogate", entries(&GOOD.replace("\"a\"", "\"\\ud800\"")), code::HEADER, "hex escape"),
        ("byte order mark", unsealed(&[b"\xef\xbb\xbf", good.as_bytes()].concat()), code::HEADER, "begin with '{'"),
        ("leading space", sealed(&format!(" {good}"), &[0; 8]), code::HEADER, "begin with '{'"),
        ("a list", unsealed(b"[]"), code::HEADER, "begin with '{'"),
        ("padding of newlines", sealed(&format!("{good}\n"), &[0; 8]), code::HEADER, "nothing but spaces"),
        ("padding of zeros", sealed(&format!("{good}\0"), &[0; 8]), code::HEADER, "nothing but spaces"),
        ("a second object", sealed(&format!("{good}{{}}"), &[0; 8]), code::HEADER, "trailing"),
        ("an object cut short", sealed(&good[..good.len() - 1], &[0; 8]), code::HEADER, "line 1"),
        ("a comma too many", entries(&format!("{GOOD},")), code::HEADER, "line 1"),
        ("a control character in a string", entries(&GOOD.replace("\"a\"", "\"a\u{1}\"")), code::HEADER, "control character"),
        ("nested 5,000 deep", entries(&deep), code::HEADER, "expected an object"),
        ("nested in a dimension", tensor(r#""dtype":"F32","shape":[[[[2]]]],"data_offsets":[0,8]"#), code::HEADER, "expected u64"),
    ]);
}

#[test]
fn doubled_and_unknown_keys_are_refused_at_every_level() {
    let ours = format!("\"__metadata__\":{{{OURS}}}");
    assert_refused(&[
        ("tensor twice", entries(&format!("{GOOD},{GOOD}")), code::HEADER, "'a' stands there twice"),
        ("tensor twice, once escaped", entries(&format!("{GOOD},{}", GOOD.replace("\"a\"", "\"\\u0061\""))), code::HEADER, "twice"),
        ("metadata twice", entries(&format!("{GOOD},{ours}")), code::HEADER, "twice"),
        ("metadata key twice", metadata(&format!("{{{OURS},\"k\":\"1\",\"k\":\"2\"}}")), code::HEADER, "'k' stands there twice"),
        ("dtype twice", tensor(r#""dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]"#), code::HEADER, "twice"),
        ("shape twice", tensor(r#""dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]"#), code::HEADER, "twice"),
        ("offsets twice", tensor(r#""dtype":"F32","shape":[2],"data_offsets":[0,8],"data_offsets":[0,8]"#), code::HEADER, "twice"),
        ("unknown key", tensor(r#""dtype":"F32","shape":[2],"data_offsets":[0,8],"path":"/x""#), code::HEADER, "unknown key 'path'"),
        ("no dtype", tensor(r#""shape":[2],"data_offsets":[0,8]"#), code::HEADER, "lacks"),
        ("no shape", tensor(r#""dtype":"F32","data_offsets":[0,8]"#), code::HEADER, "lacks"),
        ("no offsets", tensor(r#""dtype":"F32","shape":[2]"#), code::HEADER, "lacks"),
    ]);
}

#[test]
fn values_of_another_json_type_are_refused() {
    assert_refused(&[
        ("a number as metadata", metadata(&format!("{{{OURS},\"k\":1}}")), code::HEADER, "expected a string"),
        ("an object as metadata", metadata(&format!("{{{OURS},\"k\":{{}}}}")), code::HEADER, "expected a string"),
        ("null metadata", metadata("null"), code::HEADER, "expected an object of strings"),
        ("a number as tensor", entries("\"a\":1"), code::HEADER, "expected an object"),
        ("a number as dtype", tensor(r#""dtype":1,"shape":[2],"data_offsets":[0,8]"#), code::HEADER, "expected a string"),
        ("a string as shape", tensor(r#""dtype":"F32","shape":"2","data_offsets":[0,8]"#), code::HEADER, "expected a list"),
        ("a fraction", tensor(r#""dtype":"F32","shape":[2.0],"data_offsets":[0,8]"#), code::HEADER, "expected u64"),
        ("an exponent", tensor(r#""dtype":"F32","shape":[2e0],"data_offsets":[0,8]"#), code::HEADER, "expected u64"),
        ("a negative dimension", tensor(r#""dtype":"F32","shape":[-2],"data_offsets":[0,8]"#), code::HEADER, "expected u64"),
        ("over 64 bits", tensor(r#""dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,8]"#), code::HEADER, "expected u64"),
        ("a negative offset", tensor(r#""dtype":"F32","shape":[2],"data_offsets":[-8,0]"#), code::HEADER, "expected u64"),
        ("one offset", tensor(r#""dtype":"F32","shape":[2],"data_offsets":[8]"#), code::HEADER, "expected an array of length 2"),
        ("three offsets", tensor(r#""dtype":"F32","shape":[2],"data_offsets":[0,8,8]"#), code::HEADER, "line 1"),
    ]);
}

#[test]
fn impossible_names_types_and_shapes_are_refused() {
    let named = |name: &str| entries(&GOOD.replace("\"a\"", &format!("\"{name}\"")));
    let shaped = |shape: &str| tensor(&format!(r#""dtype":"F32","shape":{shape},"data_offsets":[0,8]"#));
    let many: Vec<String> =
        (0..=MAX_TENSORS).map(|i| format!(r#""t{i}":{{"dtype":"U8","shape":[1],"data_offsets":[{i},{}]}}"#, i + 1)).collect();
    let many = sealed(&format!("{{\"__metadata__\":{{{OURS}}},{}}}", many.join(",")), &[0; MAX_TENSORS + 1]);
    assert!(read_bytes(&named(&"n".repeat(128))).is_ok());
    assert_refused(&[
        ("1,025 tensors", many, code::HEADER, "more than 1024 tensors"),
        ("an empty name", named(""), code::TENSOR, "name has 1 to 128 bytes"),
        ("129 bytes", named(&"n".repeat(129)), code::TENSOR, "name has 1 to 128 bytes"),
        ("100,000 bytes", named(&"n".repeat(100_000)), code::TENSOR, "nnn…: a tensor's name"),
        ("a control character", named("a\\u0000b"), code::TENSOR, "control characters"),
        ("an unknown dtype", tensor(r#""dtype":"F31","shape":[2],"data_offsets":[0,8]"#), code::TENSOR, "type 'F31'"),
        ("a dtype in lower case", tensor(r#""dtype":"f32","shape":[2],"data_offsets":[0,8]"#), code::TENSOR, "type 'f32'"),
        ("rank 5", shaped("[2,1,1,1,1]"), code::TENSOR, "more than 4"),
        ("rank 100,000", shaped(&format!("[2{}]", ",1".repeat(99_999))), code::TENSOR, "more than 4"),
        ("a dimension of 0", shaped("[0]"), code::TENSOR, "dimension of 0"),
        ("0 times too much", shaped("[18446744073709551615,18446744073709551615,0]"), code::TENSOR, "dimension of 0"),
        ("a product over 64 bits", shaped("[4294967296,4294967296,1]"), code::TENSOR, "overflows"),
        ("a product that wraps to 8 bytes", shaped("[4611686018427387906]"), code::TENSOR, "overflows"),
        ("petabytes", shaped("[1000000000000000]"), code::OFFSETS, "needs 4000000000000000"),
        (
            "petabytes, offsets to match",
            tensor(r#""dtype":"F32","shape":[1000000000000000],"data_offsets":[0,4000000000000000]"#),
            code::TRUNCATED,
            "4000000000000000",
        ),
    ]);
}

#[test]
fn tensors_that_do_not_fill_the_data_exactly_are_refused() {
    let two = |a: &str, b: &str| {
        entries(&format!(r#""a":{{"dtype":"F32","shape":[1],"data_offsets":{a}}},"b":{{"dtype":"F32","shape":[1],"data_offsets":{b}}}"#))
    };
    let one = |offsets: &str| tensor(&format!(r#""dtype":"F32","shape":[2],"data_offsets":{offsets}"#));
    assert!(read_bytes(&two("[0,4]", "[4,8]")).is_ok());
    assert_refused(&[
        ("overlap", two("[0,4]", "[0,4]"), code::OFFSETS, "begins at byte 0"),
        ("half an overlap", two("[0,4]", "[2,6]"), code::OFFSETS, "begins at byte 2"),
        ("a hole between", two("[0,4]", "[6,10]"), code::OFFSETS, "begins at byte 6"),
        ("another order", two("[4,8]", "[0,4]"), code::OFFSETS, "begins at byte 4"),
        ("not from 0", one("[1,9]"), code::OFFSETS, "begins at byte 1"),
        ("reversed", one("[8,0]"), code::OFFSETS, "begins at byte 8"),
        ("shorter than the shape", one("[0,4]"), code::OFFSETS, "needs 8"),
        ("longer than the shape", one("[0,12]"), code::OFFSETS, "needs 8"),
        ("past the end", tensor(r#""dtype":"F32","shape":[3],"data_offsets":[0,12]"#), code::TRUNCATED, "data at 8"),
        ("bytes of no tensor", tensor(r#""dtype":"F32","shape":[1],"data_offsets":[0,4]"#), code::OFFSETS, "4 bytes at the end"),
        ("no tensor at all", sealed(&format!("{{\"__metadata__\":{{{OURS}}}}}"), &[0; 8]), code::OFFSETS, "8 bytes at the end"),
    ]);
}

#[test]
fn other_versions_and_files_without_our_metadata_are_refused() {
    let ours = |from: &str, to: &str| metadata(&format!("{{{}}}", OURS.replace(from, to)));
    let version = |text: &str| ours("\"1\"", &format!("\"{text}\""));
    assert_refused(&[
        ("no metadata", sealed(&format!("{{{GOOD}}}"), &[0; 8]), code::FORMAT, "not one that rnnkit wrote"),
        ("another format", ours("rnnkit", "pt"), code::FORMAT, "not one that rnnkit wrote"),
        ("a newer version", version("2"), code::VERSION, "update this one"),
        ("version 0", version("0"), code::VERSION, "no rnnkit wrote"),
        ("version 01", version("01"), code::VERSION, "no rnnkit wrote"),
        ("version 1.1", version("1.1"), code::VERSION, "no rnnkit wrote"),
        ("no version", ours(",\"format_version\":\"1\"", ""), code::VERSION, "no rnnkit wrote"),
        (
            "a newer version of another structure",
            sealed(
                &format!(
                    "{{\"__metadata__\":{{{}}},\"a\":{{\"dtype\":\"F4\",\"shape\":[2],\"data_offsets\":[0,8]}}}}",
                    OURS.replace("\"1\"", "\"3\"")
                ),
                &[0; 8],
            ),
            code::VERSION,
            "'3'",
        ),
    ]);
}

#[test]
fn a_digest_that_is_missing_malformed_or_wrong_is_refused() {
    let good = entries(GOOD);
    let text = String::from_utf8(good[8..good.len() - 8].to_vec()).expect("a header is text");
    let at = text.find(PREFIX).expect("it has a digest") + PREFIX.len();
    let digits = text[at..at + 64].to_owned();
    let with = |from: &str, to: &str| framed(text.replace(from, to).as_bytes(), &[0; 8]);
    assert_refused(&[
        ("none", with("\"digest\"", "\"digesx\""), code::DIGEST, "has none"),
        ("another kind", with("sha256:", "sha255:"), code::DIGEST, "is not 'sha256:'"),
        ("upper case", with(&digits, &digits.to_uppercase()), code::DIGEST, "lower-case"),
        ("too short", with(&digits, &digits[1..]), code::DIGEST, "64"),
        ("all zeros", with(&digits, ZEROS), code::DIGEST, "damaged"),
        ("escaped", with("sha256:", "\\u0073ha256:"), code::DIGEST, "exactly once"),
        ("of other data", [&good[..good.len() - 1], &[1]].concat(), code::DIGEST, "damaged"),
        ("of another header", with("\"a\"", "\"b\""), code::DIGEST, "damaged"),
    ]);
}

#[test]
fn files_of_other_programs_are_named() {
    let table: [(&[u8], &str); 16] = [
        (b"PK\x03\x04\x14\x00\x00\x00\x08\x00archive/data.pkl", "zip"),
        (b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "zip"),
        (b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", "pickle"),
        (b"\x80\x04K\x01.", "pickle"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\x03", "gzip"),
        (b"GGUF\x03\0\0\0\x01\0\0\0\0\0\0\0", "GGUF"),
        (b"\x89HDF\r\n\x1a\n\0\0\0\0", "HDF5"),
        (b"\x93NUMPY\x01\0v\0{'descr'", "NumPy"),
        (b"<!DOCTYPE html>\n<html>", "HTML"),
        (b"\n  <HTML lang='en'>", "HTML"),
        (b"<?xml version='1.0'?>", "XML"),
        (b"{\"layers\": [1, 2]}", "JSON"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:", "Git LFS"),
        (b"Call me Ishmael.", "text file"),
        (b"\xef\xbb\xbfCall me Ishmael.", "byte order mark"),
        ("Was für ein Wetter — ".as_bytes(), "text file"),
    ];
    for (bytes, name) in table {
        let (code, field, message) = parts(&read_bytes(bytes).expect_err(name));
        assert_eq!((code, field.as_str()), (code::FORMAT, "file"), "{name}: {message}");
        assert!(message.contains(name), "{name}: {message}");
    }
    let long = "ä".repeat(300);
    assert!(read_bytes(long[..].as_bytes()).expect_err("text").to_string().contains("text file"));
}

#[test]
fn a_header_whose_length_looks_like_another_formats_mark_is_read() {
    // 0x0280 bytes: the file begins as a pickle of protocol 2 does.
    let header = entries(GOOD);
    let text = String::from_utf8_lossy(&header[8..header.len() - 8]).replace(' ', "");
    let padded = format!("{text:<640}");
    let start = padded.find(PREFIX).expect("it has a digest") + PREFIX.len();
    let zeroed = [&padded[..start], ZEROS, &padded[start + 64..]].concat();
    let bytes = sealed(&zeroed, &[0; 8]);
    assert_eq!(bytes[..2], [0x80, 0x02]);
    assert!(read_bytes(&bytes).is_ok());
    assert_eq!(read_bytes(&bytes[..100]).expect_err("cut").code(), code::TRUNCATED);
    assert_eq!(read_bytes(&bytes[..5]).expect_err("cut").code(), code::TRUNCATED);
}

#[test]
fn what_is_not_a_readable_regular_file_is_refused_without_waiting() {
    let folder = Folder::new();
    let limits = Limits::default();
    let path = folder.path("model.safetensors");
    std::fs::write(&path, small_checkpoint()).expect("it can be written");
    let refused = |path: &Path, limits: &Limits| parts(&Header::open(path, limits).expect_err("it is no such file"));
    let small = Limits { max_file_bytes: small_checkpoint().len() as u64 - 1 };
    let table = [
        (refused(&folder.0, &limits), "a folder"),
        (refused(&folder.path("absent"), &limits), "cannot be read"),
        (refused(Path::new(""), &limits), "is empty"),
        (refused(Path::new("a\0b"), &limits), "cannot be read"),
        (refused(&path.join("x"), &limits), "cannot be read"),
        (refused(&path, &small), "maxFileBytes"),
    ];
    for ((code, _, message), part) in table {
        assert_eq!(code, code::FILE, "{message}");
        assert!(message.contains(part), "{message}");
    }
    assert!(Header::open(&path, &Limits { max_file_bytes: small.max_file_bytes + 1 }).is_ok());
}

#[cfg(unix)]
#[test]
fn a_pipe_and_a_device_are_refused_without_waiting() {
    let folder = Folder::new();
    let pipe = folder.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo is part of every unix");
    assert!(made.success());
    for path in [pipe.as_path(), Path::new("/dev/zero")] {
        let error = Header::open(path, &Limits::default()).expect_err("not a regular file");
        assert_eq!((error.code(), error.to_string().contains("not a regular file")), (code::FILE, true));
        let error = crate::checkpoint::write(path, &BTreeMap::new(), &[]).expect_err("not a regular file");
        assert_eq!((error.code(), error.to_string().contains("not a regular file")), (code::WRITE, true));
    }
}
