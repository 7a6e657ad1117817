//! Tensors on their way into a file and out of it.

use std::io;

use super::{DType, Element, code, problem, room};
use crate::error::{Error, Result};

/// A tensor of a file that was read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tensor<'a> {
    /// Its name.
    pub name: &'a str,
    /// Type of its elements.
    pub dtype: DType,
    /// Its shape, row-major; `[]` is a scalar.
    pub shape: &'a [usize],
    /// Its elements, little endian.
    pub bytes: &'a [u8],
}

impl<'a> Tensor<'a> {
    /// How many elements it has.
    pub fn count(&self) -> usize {
        self.bytes.len() / self.dtype.size()
    }

    /// Its elements; `ERR_CHECKPOINT_TENSOR` when they are of another type.
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        let elements = self.elements::<T>()?;
        let mut values = room(self.count(), self.name)?;
        values.extend(elements);
        Ok(values)
    }

    /// Copies its elements to `target`, which must have as many: otherwise, or when they are of another type,
    /// `ERR_CHECKPOINT_TENSOR`.
    pub fn copy_to<T: Element>(&self, target: &mut [T]) -> Result<()> {
        let elements = self.elements::<T>()?;
        if target.len() != self.count() {
            let text = format!("it has {} elements; expected {}", self.count(), target.len());
            return Err(problem(code::TENSOR, self.name, text));
        }
        target.iter_mut().zip(elements).for_each(|(place, value)| *place = value);
        Ok(())
    }

    fn elements<T: Element>(&self) -> Result<impl Iterator<Item = T> + use<'a, T>> {
        if self.dtype != T::DTYPE {
            return Err(problem(code::TENSOR, self.name, format!("its type is {}; expected {}", self.dtype, T::DTYPE)));
        }
        Ok(self.bytes.chunks_exact(T::DTYPE.size()).map(T::from_le))
    }
}

/// Refuses NaN and infinities.
pub(super) fn require_finite(tensor: &Tensor) -> Result<()> {
    let place = match tensor.dtype {
        DType::F32 => tensor.elements::<f32>()?.position(|value| !value.is_finite()),
        DType::F64 => tensor.elements::<f64>()?.position(|value| !value.is_finite()),
        _ => return Err(problem(code::TENSOR, tensor.name, format!("its type is {}; expected F32 or F64", tensor.dtype))),
    };
    match place {
        Some(index) => Err(problem(code::NON_FINITE, tensor.name, format!("element {index} is not a finite number"))),
        None => Ok(()),
    }
}

/// Elements to write.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(missing_docs, reason = "each name is the type")]
pub enum TensorData<'a> {
    F32(&'a [f32]),
    F64(&'a [f64]),
    I32(&'a [i32]),
    I64(&'a [i64]),
    U8(&'a [u8]),
    U32(&'a [u32]),
    U64(&'a [u64]),
    /// Elements that are little-endian bytes already.
    Bytes(DType, &'a [u8]),
}

macro_rules! from_slice {
    ($($t:ty => $variant:ident),*) => {$(
        impl<'a> From<&'a [$t]> for TensorData<'a> {
            fn from(values: &'a [$t]) -> Self {
                TensorData::$variant(values)
            }
        }
    )*};
}

from_slice!(f32 => F32, f64 => F64, i32 => I32, i64 => I64, u8 => U8, u32 => U32, u64 => U64);

impl TensorData<'_> {
    /// Type of the elements.
    pub fn dtype(&self) -> DType {
        match self {
            TensorData::F32(_) => DType::F32,
            TensorData::F64(_) => DType::F64,
            TensorData::I32(_) => DType::I32,
            TensorData::I64(_) => DType::I64,
            TensorData::U8(_) => DType::U8,
            TensorData::U32(_) => DType::U32,
            TensorData::U64(_) => DType::U64,
            TensorData::Bytes(dtype, _) => *dtype,
        }
    }

    /// Length in bytes.
    pub fn byte_length(&self) -> usize {
        match self {
            TensorData::F32(values) => size_of_val(*values),
            TensorData::F64(values) => size_of_val(*values),
            TensorData::I32(values) => size_of_val(*values),
            TensorData::I64(values) => size_of_val(*values),
            TensorData::U8(bytes) | TensorData::Bytes(_, bytes) => bytes.len(),
            TensorData::U32(values) => size_of_val(*values),
            TensorData::U64(values) => size_of_val(*values),
        }
    }

    /// Hands the little-endian bytes to `take`, a piece at a time, so that no second copy of a model is ever made.
    pub(super) fn for_each_piece(&self, take: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        match self {
            TensorData::F32(values) => pieces(values, take),
            TensorData::F64(values) => pieces(values, take),
            TensorData::I32(values) => pieces(values, take),
            TensorData::I64(values) => pieces(values, take),
            TensorData::U32(values) => pieces(values, take),
            TensorData::U64(values) => pieces(values, take),
            TensorData::U8(bytes) | TensorData::Bytes(_, bytes) => bytes.chunks(PIECE_BYTES).try_for_each(take),
        }
    }
}

/// Bytes of one piece: large enough that a write's fixed cost does not count, small enough for the cache.
const PIECE_BYTES: usize = 64 << 10;

fn pieces<T: Element>(values: &[T], take: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(PIECE_BYTES.min(size_of_val(values)));
    for piece in values.chunks(PIECE_BYTES / T::DTYPE.size()) {
        bytes.clear();
        piece.iter().for_each(|value| value.put_le(&mut bytes));
        take(&bytes)?;
    }
    Ok(())
}

/// A tensor to write.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTensor<'a> {
    /// Its name.
    pub name: String,
    /// Its shape, row-major; `[]` is a scalar.
    pub shape: Vec<usize>,
    /// Its elements, as many as the shape says.
    pub data: TensorData<'a>,
}

impl<'a> NewTensor<'a> {
    /// `shape`: row-major, `[]` for a scalar; `data`: as many elements as the shape says.
    pub fn new(name: impl Into<String>, shape: &[usize], data: impl Into<TensorData<'a>>) -> Self {
        NewTensor { name: name.into(), shape: shape.to_vec(), data: data.into() }
    }

    /// Whether shape and data agree; the rest is checked on the finished header, by the reader's own rules.
    pub(super) fn check(&self) -> Result<()> {
        let bytes = self.shape.iter().try_fold(self.data.dtype().size(), |size, &dimension| size.checked_mul(dimension));
        if bytes == Some(self.data.byte_length()) {
            return Ok(());
        }
        let text = format!("tensor '{}' of shape {:?} was given {} bytes", self.name, self.shape, self.data.byte_length());
        Err(Error::internal(text))
    }
}
