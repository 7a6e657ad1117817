//! The suite on the GPU backend, where there is an adapter, in each form.

use rnnkit_backend_tests::gpu;
use rnnkit_wgpu::{Form, Gpu, Precision};

fn in_form(form: Form) -> Gpu {
    gpu::open(Precision::F32, Some(form)).expect("an adapter, as was asked before")
}

mod step {
    use super::*;

    rnnkit_backend_tests::backend_suite!(in_form(Form::Step), if gpu::is_there(Precision::F32));
}

mod resident {
    use super::*;

    rnnkit_backend_tests::backend_suite!(in_form(Form::Resident), if gpu::is_there(Precision::F32));
}
