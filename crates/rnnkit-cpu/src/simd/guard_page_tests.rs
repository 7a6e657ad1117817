//! Partial loads and stores touch no memory past their end: here a page begins there that kills whoever touches it.

use super::vector_tests::Copy;
use super::{Isa, LANES};
use std::ffi::{c_int, c_void};

unsafe extern "C" {
    fn mmap(address: *mut c_void, length: usize, protection: c_int, flags: c_int, file: c_int, offset: i64) -> *mut c_void;
    fn mprotect(address: *mut c_void, length: usize, protection: c_int) -> c_int;
    fn munmap(address: *mut c_void, length: usize) -> c_int;
}

const NO_ACCESS: c_int = 0;
const READ_WRITE: c_int = 1 | 2;
const PRIVATE_ANONYMOUS: c_int = 2 | 0x20;
/// Bytes; a multiple of the page on every machine.
const LENGTH: usize = 1 << 16;

/// [`LENGTH`] bytes of zeros, and as many behind them that nobody may touch.
struct Guarded(*mut c_void);

impl Guarded {
    fn new() -> Self {
        // SAFETY: a new mapping at an address of the system's choice, whose second half alone is locked.
        unsafe {
            let start = mmap(std::ptr::null_mut(), 2 * LENGTH, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0);
            assert!(start.addr() != usize::MAX, "128 KiB to map");
            assert_eq!(mprotect(start.wrapping_byte_add(LENGTH), LENGTH, NO_ACCESS), 0, "a page to lock");
            Self(start)
        }
    }

    /// The last `count` values before the locked page.
    fn last(&mut self, count: usize) -> &mut [f32] {
        let start = self.0.wrapping_byte_add(LENGTH - count * size_of::<f32>()).cast();
        // SAFETY: these bytes are mapped, aligned, and borrowed as long as `self`.
        unsafe { std::slice::from_raw_parts_mut(start, count) }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own, and nothing borrows from it any more.
        let unmapped = unsafe { munmap(self.0, 2 * LENGTH) };
        assert_eq!(unmapped, 0, "the mapping is there until now");
    }
}

#[test]
fn partial_loads_and_stores_touch_nothing_past_their_end() {
    let (mut from, mut to) = (Guarded::new(), Guarded::new());
    for isa in Isa::available() {
        for count in 0..=LANES {
            let (from, to) = (from.last(count), to.last(count));
            from.fill(count as f32);
            isa.dispatch(Copy(from, to));
            assert_eq!(from, to, "{isa:?}");
        }
    }
}
