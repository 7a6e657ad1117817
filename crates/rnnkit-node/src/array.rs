//! Arrays of numbers with their shapes, on their way through the addon.

use napi::bindgen_prelude::Float32Array;
use napi_derive::napi;
use rnnkit_core::convert::Array;

/// An array of numbers.
#[napi(object)]
pub struct NativeArray {
    /// Sizes of its dimensions.
    pub shape: Vec<u32>,
    /// Row-major.
    pub data: Float32Array,
}

impl NativeArray {
    /// As the core takes it.
    pub fn array(&self) -> Array {
        Array { shape: self.shape.iter().map(|&size| size as usize).collect(), values: self.data.to_vec() }
    }
}

impl From<Array> for NativeArray {
    fn from(array: Array) -> Self {
        let shape = array.shape.iter().map(|&size| size as u32).collect();
        NativeArray { shape, data: Float32Array::new(array.values) }
    }
}
