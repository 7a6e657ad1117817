//! The header's JSON, read strictly: duplicate keys, unknown keys and other types are errors, at every level.
//!
//! A general JSON value would keep the last of two equal keys in silence, and another reader the first; so the header is
//! visited by types of our own. They also bound the nesting: nothing deeper than the format has is ever entered.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{MAX_RANK, MAX_TENSORS, printable};

/// A header as written, before its numbers are checked.
#[derive(Debug, Default)]
pub(super) struct HeaderText {
    pub metadata: BTreeMap<String, String>,
    pub entries: Vec<EntryText>,
}

/// A tensor's entry as written. A shape of too many dimensions is kept one dimension too long.
#[derive(Debug)]
pub(super) struct EntryText {
    pub name: String,
    pub dtype: String,
    pub shape: Vec<u64>,
    pub begin: u64,
    pub end: u64,
}

/// Reads the JSON object `text`; the error is a sentence with the place.
pub(super) fn parse(text: &str) -> Result<HeaderText, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

impl<'de> Deserialize<'de> for HeaderText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = HeaderText;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<HeaderText, A::Error> {
        let mut header = HeaderText::default();
        let mut seen = BTreeSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if seen.contains(&key) {
                return Err(A::Error::custom(format_args!("'{}' stands there twice", printable(&key))));
            }
            if key == "__metadata__" {
                header.metadata = map.next_value::<Metadata>()?.0;
            } else if header.entries.len() == MAX_TENSORS {
                return Err(A::Error::custom(format_args!("more than {MAX_TENSORS} tensors")));
            } else {
                header.entries.push(map.next_value_seed(EntrySeed(key.clone()))?);
            }
            seen.insert(key);
        }
        Ok(header)
    }
}

struct Metadata(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MetadataVisitor)
    }
}

struct MetadataVisitor;

impl<'de> Visitor<'de> for MetadataVisitor {
    type Value = Metadata;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metadata, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some((key, value)) = map.next_entry::<String, String>()? {
            if entries.contains_key(&key) {
                return Err(A::Error::custom(format_args!("metadata '{}' stands there twice", printable(&key))));
            }
            entries.insert(key, value);
        }
        Ok(Metadata(entries))
    }
}

/// Reads the entry of the tensor with this name.
struct EntrySeed(String);

impl<'de> DeserializeSeed<'de> for EntrySeed {
    type Value = EntryText;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<EntryText, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for EntrySeed {
    type Value = EntryText;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "an object with dtype, shape and data_offsets for tensor '{}'", printable(&self.0))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<EntryText, A::Error> {
        let (mut dtype, mut shape, mut offsets) = (None, None, None);
        while let Some(key) = map.next_key::<String>()? {
            let twice = match key.as_str() {
                "dtype" => dtype.replace(map.next_value::<String>()?).is_some(),
                "shape" => shape.replace(map.next_value::<Shape>()?.0).is_some(),
                "data_offsets" => offsets.replace(map.next_value::<[u64; 2]>()?).is_some(),
                _ => {
                    let (key, name) = (printable(&key), printable(&self.0));
                    return Err(A::Error::custom(format_args!("unknown key '{key}' in tensor '{name}'")));
                }
            };
            if twice {
                return Err(A::Error::custom(format_args!("'{key}' stands twice in tensor '{}'", printable(&self.0))));
            }
        }
        match (dtype, shape, offsets) {
            (Some(dtype), Some(shape), Some([begin, end])) => Ok(EntryText { name: self.0, dtype, shape, begin, end }),
            _ => Err(A::Error::custom(format_args!("tensor '{}' lacks dtype, shape or data_offsets", printable(&self.0)))),
        }
    }
}

struct Shape(Vec<u64>);

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ShapeVisitor)
    }
}

struct ShapeVisitor;

impl<'de> Visitor<'de> for ShapeVisitor {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a list of dimensions")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Shape, A::Error> {
        let mut shape = Vec::new();
        while shape.len() <= MAX_RANK {
            match list.next_element::<u64>()? {
                Some(size) => shape.push(size),
                None => return Ok(Shape(shape)),
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Shape(shape))
    }
}
