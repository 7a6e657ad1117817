//! The Node-API addon: each session on a thread of its own, options to specs, errors to codes. No arithmetic.
//!
//! A domain failure crosses as data in the outcome that a promise resolves to, never as a rejection; a panic becomes
//! `ERR_INTERNAL`. Typed arrays that come in are copied before a call returns, because JavaScript may write to them at any time;
//! those that go out hand their memory over.

#![cfg_attr(test, allow(dead_code, reason = "the exports are registered, and so used, outside of tests only"))]

mod array;
mod checkpoint;
mod convert;
mod device;
mod devices;
mod engine;
mod environment;
mod failure;
mod host_sampler;
mod native_session;
mod outcomes;
mod requests;
mod sequences;
mod session_thread;
mod views;
mod worker;

#[cfg(not(panic = "unwind"))]
compile_error!("the addon catches panics at its border; build it with panic = \"unwind\"");
