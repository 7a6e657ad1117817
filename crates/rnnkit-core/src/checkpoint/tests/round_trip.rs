//! What is written is read again; what is expected is compared; every damaged bit is noticed.

use std::collections::BTreeMap;
use std::io::Cursor;

use super::*;
use crate::checkpoint::{DType, Expected, FORMAT_NAME, Limits, TensorData, code, write, write_plain};

#[test]
fn a_checkpoint_comes_back_as_it_was_written() {
    let content = Content::small();
    let folder = Folder::new();
    let path = folder.path("model.safetensors");
    write(&path, &content.metadata, &content.tensors()).expect("it can be written");
    let checkpoint = Checkpoint::open(&path, &Limits::default()).expect("it can be read");
    assert_eq!(checkpoint.metadata(), &content.metadata);
    assert_eq!(checkpoint.tensor("weight_ih_l0").and_then(|tensor| tensor.to_vec::<f32>()), Ok(content.weights.clone()));
    assert_eq!(checkpoint.tensor("optimizer.m").and_then(|tensor| tensor.to_vec::<f64>()), Ok(content.moments.clone()));
    assert_eq!(checkpoint.tensor("vocabulary.text").and_then(|tensor| tensor.to_vec::<u8>()), Ok(b"abc".to_vec()));
    assert_eq!(checkpoint.tensor("vocabulary.ids").and_then(|tensor| tensor.to_vec::<u32>()), Ok(vec![97, 0x1_F600]));
    assert_eq!(checkpoint.tensor("step").and_then(|tensor| tensor.to_vec::<u64>()), Ok(vec![u64::MAX]));
    assert_eq!(checkpoint.tensor("positions").and_then(|tensor| tensor.to_vec::<i64>()), Ok(vec![-1, i64::MIN]));
    assert_eq!(checkpoint.tensor("signed").and_then(|tensor| tensor.to_vec::<i32>()), Ok(vec![-7, 7]));
    assert_eq!(checkpoint.tensor("step").map(|tensor| tensor.shape.len()), Ok(0));
    assert_eq!(checkpoint.tensors().count(), 7);
}

#[test]
fn the_same_content_gives_the_same_bytes_as_the_first_release() {
    assert!(small_checkpoint() == GOLDEN, "the layout of version 1 changed");
    let checkpoint = read_bytes(GOLDEN).expect("version 1 stays readable");
    let tensors: Vec<NewTensor> = checkpoint
        .tensors()
        .map(|tensor| NewTensor::new(tensor.name, tensor.shape, TensorData::Bytes(tensor.dtype, tensor.bytes)))
        .collect();
    let again = to_bytes(checkpoint.metadata(), &tensors).expect("it can be written");
    assert!(again == GOLDEN, "writing what was read changed it");
}

#[test]
fn every_tensor_begins_at_a_multiple_of_its_elements_size() {
    let bytes = small_checkpoint();
    let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes"));
    assert_eq!(length % 8, 0);
    for entry in read_bytes(&bytes).expect("it is valid").entries() {
        assert_eq!(entry.range.start % entry.dtype.size(), 0, "{}", entry.name);
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    let good = small_checkpoint();
    for bit in 0..good.len() * 8 {
        let mut damaged = good.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(read_bytes(&damaged).is_err(), "bit {} of byte {}", bit % 8, bit / 8);
    }
}

#[test]
fn every_truncation_and_every_extension_is_refused() {
    let good = small_checkpoint();
    for length in 0..good.len() {
        assert!(read_bytes(&good[..length]).is_err(), "{length} of {} bytes", good.len());
    }
    for byte in [0, b' ', b'}'] {
        let longer = [good.as_slice(), &[byte]].concat();
        assert_eq!(read_bytes(&longer).expect_err("a byte too many").code(), code::OFFSETS);
    }
}

#[test]
fn a_file_cut_in_its_data_is_called_truncated_before_memory_is_taken() {
    let good = small_checkpoint();
    let error = Header::from_bytes(good[..good.len() - 1].to_vec()).expect_err("a byte is missing");
    assert_eq!(error.code(), code::TRUNCATED);
}

#[test]
fn a_file_that_changes_while_it_is_read_is_refused() {
    let good = small_checkpoint();
    let length = good.len() as u64;
    let open = |bytes: Vec<u8>| Header::from_source(Box::new(Cursor::new(bytes)), length, Mode::Checkpoint).expect("the header holds");
    let grown = open([good.as_slice(), &[0]].concat()).read().expect_err("it grew");
    let shrunk = open(good[..good.len() - 1].to_vec()).read().expect_err("it shrank");
    assert_eq!((grown.code(), shrunk.code()), (code::FILE, code::FILE));
    assert!(grown.to_string().contains("grew") && shrunk.to_string().contains("shorter"));
}

#[test]
fn tensors_that_memory_cannot_hold_are_a_typed_error() {
    let header = r#"{"a":{"dtype":"U8","shape":[4000000000000000],"data_offsets":[0,4000000000000000]}}"#;
    let bytes = [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat();
    let length = bytes.len() as u64 + 4_000_000_000_000_000;
    let header = Header::from_source(Box::new(Cursor::new(bytes)), length, Mode::Plain).expect("a file of petabytes may be");
    let (code, field, message) = parts(&header.read().expect_err("no machine has so much"));
    assert_eq!((code, field.as_str()), (code::MEMORY, "data"), "{message}");
}

fn expected_tensors() -> Vec<Expected> {
    vec![
        Expected::exact("weight_ih_l0", DType::F32, &[16, 5]),
        Expected::exact("optimizer.m", DType::F64, &[4, 4]),
        Expected::with_shape("vocabulary.text", DType::U8, vec![None]),
        Expected::exact("vocabulary.ids", DType::U32, &[2]),
        Expected::exact("step", DType::U64, &[]),
        Expected::exact("positions", DType::I64, &[1, 1, 2]),
    ]
}

#[test]
fn a_header_with_the_expected_tensors_is_accepted_before_its_data_are_read() {
    let header = Header::from_bytes(small_checkpoint()).expect("it is valid");
    let optional = [Expected::exact("signed", DType::I32, &[2]), Expected::exact("absent", DType::F32, &[1])];
    assert_eq!(header.expect(&expected_tensors(), &optional), Ok(()));
    assert_eq!(header.read().expect("it is valid").expect(&expected_tensors(), &optional), Ok(()));
}

/// Turns what a file holds into something else.
type Change<'a> = &'a dyn Fn(&mut Vec<Expected>);

#[test]
fn missing_unknown_and_different_tensors_are_refused_by_name() {
    let header = Header::from_bytes(small_checkpoint()).expect("it is valid");
    let signed = Expected::exact("signed", DType::I32, &[2]);
    let refused = |change: Change| {
        let mut expected = expected_tensors();
        expected.push(signed.clone());
        change(&mut expected);
        parts(&header.expect(&expected, &[]).expect_err("they differ"))
    };
    let table: [(Change, &str, &str); 6] = [
        (&|list| drop(list.pop()), "signed", "the model does not"),
        (&|list| list.push(Expected::exact("bias", DType::F32, &[4])), "bias", "lacks"),
        (&|list| list[0].dtype = DType::F64, "weight_ih_l0", "its type is F32, the model's F64"),
        (&|list| list[0].shape[1] = Some(6), "weight_ih_l0", "its shape is [16, 5], the model's [16, 6]"),
        (&|list| list[0].shape.push(None), "weight_ih_l0", "the model's [16, 5, any]"),
        (&|list| list[4].shape.push(Some(1)), "step", "its shape is [], the model's [1]"),
    ];
    for (change, field, message) in table {
        let (code, found, text) = refused(change);
        assert_eq!((code, found.as_str()), (code::TENSOR, field));
        assert!(text.contains(message), "{text}");
    }
}

#[test]
fn elements_are_read_only_as_what_they_are() {
    let checkpoint = read_bytes(GOLDEN).expect("it is valid");
    let weights = checkpoint.tensor("weight_ih_l0").expect("it is there");
    assert_eq!(weights.to_vec::<i32>().expect_err("they are F32").code(), code::TENSOR);
    assert_eq!(weights.copy_to(&mut [0_f32; 79]).expect_err("there are 80").code(), code::TENSOR);
    let mut place = [0_f32; 80];
    assert_eq!(weights.copy_to(&mut place), Ok(()));
    assert_eq!(place.as_slice(), Content::small().weights);
    assert_eq!(checkpoint.tensor("absent").expect_err("it is not there").data().field.as_deref(), Some("absent"));
}

#[test]
fn non_finite_parameters_are_found_in_both_float_types() {
    let written = |data: TensorData| {
        let bytes = to_bytes(&BTreeMap::new(), &[NewTensor { name: "w".to_owned(), shape: vec![3], data }]).expect("it is valid");
        read_bytes(&bytes).expect("the reader itself takes any value").require_finite("w")
    };
    assert_eq!(written(TensorData::F32(&[0.0, f32::MAX, -f32::MIN_POSITIVE])), Ok(()));
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let error = written(TensorData::F32(&[0.0, value, value])).expect_err("it is not finite");
        assert_eq!(parts(&error), (code::NON_FINITE, "w".to_owned(), "w: element 1 is not a finite number".to_owned()));
        let error = written(TensorData::F64(&[0.0, 0.0, value.into()])).expect_err("it is not finite");
        assert_eq!(error.code(), code::NON_FINITE);
    }
    assert_eq!(written(TensorData::U32(&[1, 2, 3])).expect_err("not a float").code(), code::TENSOR);
}

#[test]
fn what_the_reader_would_refuse_is_not_written() {
    let folder = Folder::new();
    let path = folder.path("model.safetensors");
    let none = BTreeMap::new();
    let of = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
    let one = || NewTensor::new("w", &[1], [1_f32].as_slice());
    let named = |name: &str| NewTensor::new(name, &[1], [1_f32].as_slice());
    let empty: &[f32] = &[];
    let table = [
        ("two of one name", none.clone(), vec![one(), one()], code::HEADER),
        ("the name of the metadata", none.clone(), vec![named("__metadata__")], code::HEADER),
        ("a name too long", none.clone(), vec![named(&"n".repeat(129))], code::TENSOR),
        ("no element", none.clone(), vec![NewTensor::new("w", &[0], empty)], code::TENSOR),
        ("rank 5", none.clone(), vec![NewTensor::new("w", &[1; 5], [1_f32].as_slice())], code::TENSOR),
        ("another shape", none.clone(), vec![NewTensor::new("w", &[2], [1_f32].as_slice())], "ERR_INTERNAL"),
        ("a key of ours", of("digest", ""), vec![one()], "ERR_INTERNAL"),
        ("metadata over 1 MiB", of("spec", &"x".repeat(1 << 20)), vec![one()], code::HEADER),
        ("the digest's zeros", of("spec", &format!("sha256:{}", "0".repeat(64))), vec![one()], code::HEADER),
    ];
    for (what, metadata, tensors, code) in table {
        assert_eq!(write(&path, &metadata, &tensors).expect_err(what).code(), code, "{what}");
        assert!(folder.names().is_empty(), "{what}");
    }
}

#[test]
fn a_plain_file_has_no_digest_and_may_hold_scalars_and_nan() {
    let folder = Folder::new();
    let path = folder.path("case.safetensors");
    let metadata = BTreeMap::from([("op".to_owned(), "lstm".to_owned())]);
    let tensors = [NewTensor::new("loss", &[], [f32::NAN].as_slice()), NewTensor::new("ids", &[2, 1], [3_i32, -4].as_slice())];
    write_plain(&path, &metadata, &tensors).expect("it can be written");
    let checkpoint = Checkpoint::open_plain(&path).expect("it can be read");
    assert_eq!(checkpoint.metadata(), &metadata);
    let loss = checkpoint.tensor("loss").expect("it is there");
    assert!(loss.shape.is_empty() && loss.to_vec::<f32>().expect("it is F32")[0].is_nan());
    let error = Header::open(&path, &Limits::default()).expect_err("it is not a checkpoint");
    assert_eq!((error.code(), error.to_string().contains(FORMAT_NAME)), (code::FORMAT, true));
}

#[test]
fn a_plain_file_may_list_its_tensors_in_any_order_and_have_no_metadata() {
    let header = r#"{"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#;
    let bytes = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &[5, 6]].concat();
    let checkpoint = read_plain_bytes(&bytes).expect("it is valid");
    assert_eq!(checkpoint.tensor("a").expect("it is there").bytes, [5]);
    assert_eq!(checkpoint.tensor("b").expect("it is there").bytes, [6]);
}
