//! What the host hands to kernels: structs of 4-byte fields, written once here and once in the shader that takes them; a test compares.

/// A struct that a kernel takes as immediates, or a table's entry in a buffer.
pub trait Arguments: bytemuck::Pod {
    /// Name and WGSL type of each field, in order.
    const FIELDS: &'static [(&'static str, &'static str)];
}

macro_rules! arguments {
    ($($(#[$meta:meta])* $name:ident { $($field:ident: $type:ident),* $(,)? })*) => {$(
        $(#[$meta])*
        #[repr(C)]
        #[derive(Debug, Clone, Copy, Default, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
        #[allow(missing_docs, reason = "each field is told of in the shader's struct of the same fields")]
        pub struct $name { $(pub $field: $type),* }

        impl Arguments for $name {
            const FIELDS: &'static [(&'static str, &'static str)] = &[$((stringify!($field), stringify!($type))),*];
        }
    )*};
}

/// Where there is nothing: an offset that no buffer has.
pub const NOWHERE: u32 = u32::MAX;

arguments! {
    /// input/gather.wgsl
    Gather { rows: u32, lanes: u32, vocabulary: u32, carry: u32, states: u32, starts: u32, resets: u32, lengths: u32 }
    /// input/gather.wgsl and keep_carry.wgsl: an entry of their table
    CarriedState { begin: u32, size: u32, rows: u32 }
    /// input/keep_carry.wgsl
    KeepCarry { carry: u32, states: u32, lengths: u32, lanes: u32 }
    /// input/embed.wgsl
    Embed { rows: u32, width: u32, vocabulary: u32 }
    /// input/one_hot_rows.wgsl
    OneHotRows { rows: u32, width: u32 }
    /// input/gather_real.wgsl
    GatherReal { rows: u32, width: u32, lanes: u32, starts: u32, lengths: u32 }
    /// input/pick.wgsl
    Pick { rows: u32, width: u32, vocabulary: u32, first: u32, activation: u32 }
    /// rows/masks.wgsl
    DrawMasks { count: u32, at: u32, key_low: u32, key_high: u32, threshold: u32 }
    /// rows/dropout.wgsl
    Drop {
        from_at: u32, to_at: u32, elements: u32, size: u32, copies: u32, lanes: u32, mask: u32, for_row: u32, for_lane: u32, for_copy: u32,
        keep_factor: f32, masked: u32, back: u32, adds: u32,
    }
    /// rows/turn.wgsl
    Turn { from_at: u32, to_at: u32, elements: u32, size: u32, lanes: u32, lengths: u32, adds: u32 }
    /// rows/join.wgsl
    Join {
        joined: u32, forward: u32, reverse: u32, elements: u32, half: u32, lanes: u32, lengths: u32, turns: u32, back: u32,
    }
    /// rows/last_rows.wgsl
    LastRows { rows_at: u32, last_at: u32, elements: u32, width: u32, lanes: u32, lengths: u32, back: u32 }
    /// rows/ended_rows.wgsl
    EndedRows { at: u32, elements: u32, width: u32, lanes: u32, lengths: u32 }
    /// batch_norm/statistics.wgsl
    Statistics {
        size: u32, rows: u32, count: f32, lanes: u32, lengths: u32, input: u32, statistics: u32, moving_mean: u32, moving_variance: u32,
        by_window: u32, window: u32,
    }
    /// batch_norm/normalize.wgsl
    Normalize {
        elements: u32, size: u32, lanes: u32, lengths: u32, input: u32, output: u32, statistics: u32, gamma: u32, beta: u32, epsilon: f32,
    }
    /// batch_norm/feature_gradients.wgsl
    FeatureGradients {
        size: u32, rows: u32, lanes: u32, lengths: u32, input: u32, d_output: u32, statistics: u32, gamma: u32, beta: u32, epsilon: f32,
    }
    /// batch_norm/normalize_backward.wgsl
    NormalizeBackward {
        elements: u32, size: u32, lanes: u32, lengths: u32, input: u32, d_input: u32, d_output: u32, statistics: u32, gamma: u32,
        beta: u32, epsilon: f32, share: f32,
    }
    /// batch_norm/moving_statistics.wgsl
    MovingStatistics { size: u32, statistics: u32, moving_mean: u32, moving_variance: u32, new_share: f32 }
    /// rows/copy.wgsl
    Copy { from_at: u32, to_at: u32, elements: u32, zero: u32 }
    /// rows/activation_backward.wgsl
    ActivationBackward { elements: u32, activation: u32 }
    /// product/product.wgsl
    Product {
        rows: u32, columns: u32, inner: u32, a: u32, a_stride: u32, b: u32, c: u32, c_stride: u32, bias: u32, activation: u32,
    }
    /// product/weight_gradients.wgsl
    WeightGradients { first_job: u32, jobs: u32, first_group: u32, sorted: u32, begins: u32 }
    /// product/weight_gradients.wgsl: an entry of its table
    GradientJob {
        kind: u32, first_group: u32, rows: u32, columns: u32, positions: u32, parts: u32, part_positions: u32,
        dy: u32, dy_stride: u32, x: u32, x_stride: u32, to: u32, to_gradients: u32, also_to: u32, symbol_stride: u32, column_stride: u32,
    }
    /// product/sum_parts.wgsl, weights/pack.wgsl
    Jobs { first_job: u32, jobs: u32 }
    /// product/sum_parts.wgsl: an entry of its table
    PartsJob { first_group: u32, elements: u32, parts: u32, source: u32, to: u32 }
    /// weights/pack.wgsl: an entry of its table
    PackJob { kind: u32, first_group: u32, gates: u32, stride: u32, size: u32, width: u32, weights: u32, bias: u32, to: u32 }
    /// recurrent/layer.wgsl: an entry of the layers' table
    LayerPlace {
        size: u32, weights: u32, weights_back: u32, input_weights: u32, input_weights_back: u32, bias_input: u32, bias_hidden: u32,
        input: u32, input_size: u32, table: u32, hidden: u32, cell_state: u32, kept: u32, gates: u32, d_input: u32, d_hidden: u32,
        d_output: u32, d_state: u32, d_carry_hidden: u32, d_carry_cell: u32, dropped: u32, d_dropped: u32, mask: u32, keep_factor: f32,
    }
    /// recurrent/step_forward.wgsl
    StepForward { layer: u32, time_step: u32, time: u32, lanes: u32, joined: u32, drops: u32, masked: u32, lengths: u32 }
    /// recurrent/step_backward.wgsl
    StepBackward { layer: u32, time_step: u32, time: u32, lanes: u32, joined: u32, drops: u32, masked: u32, carry_only: u32 }
    /// recurrent/resident.wgsl
    Resident { layer: u32, begin: u32, end: u32, time: u32, lanes: u32, masked: u32, lengths: u32 }
    /// recurrent/unit_forward.wgsl
    UnitForward { layer: u32, time_step: u32, lanes: u32, lengths: u32, pre_hidden: u32 }
    /// recurrent/unit_backward.wgsl
    UnitBackward { layer: u32, time_step: u32, time: u32, lanes: u32 }
    /// head/softmax_loss.wgsl
    SoftmaxLoss {
        rows: u32, size: u32, lanes: u32, last_step: u32, starts: u32, lengths: u32, shift: u32, has_mask: u32, smoothing: f32, scale: f32,
        training: u32,
    }
    /// head/squared_loss.wgsl
    SquaredLoss {
        rows: u32, size: u32, lanes: u32, last_step: u32, starts: u32, lengths: u32, shift: u32, has_mask: u32, scale: f32, training: u32,
    }
    /// head/loss_sum.wgsl
    LossSum { rows: u32, window: u32, scale: f32, root: u32 }
    /// head/scale_gradients.wgsl
    ScaleGradients { elements: u32 }
    /// update/norm_parts.wgsl
    NormParts { elements: u32, limit: f32 }
    /// update/norm_parts.wgsl and norm.wgsl: an entry of their buffer
    NormPart { largest: f32, squares: f32, bad: u32, clipped: u32 }
    /// update/norm.wgsl
    Norm { parts: u32, window: u32, theta: f32, epsilon: f32, tame_norm: f32 }
    /// update/step.wgsl before the optimizer's numbers
    Step { elements: u32, window: u32, limit: f32 }
    /// update/sgd.wgsl
    Sgd { shrink: f32, penalty: f32, momentum: f32, share: f32, rate: f32, nesterov: u32 }
    /// update/adagrad.wgsl
    Adagrad { shrink: f32, penalty: f32, epsilon_inside: f32, epsilon_outside: f32, rate: f32 }
    /// update/rmsprop.wgsl
    RmsProp {
        shrink: f32, penalty: f32, epsilon_inside: f32, epsilon_outside: f32, kept: f32, new_share: f32, momentum: f32, inner_rate: f32,
        rate: f32, has_buffer: u32, centered: u32,
    }
    /// update/adam.wgsl
    Adam { shrink: f32, penalty: f32, kept1: f32, new1: f32, kept2: f32, new2: f32, rate: f32, root_scale: f32, epsilon: f32 }
    /// common/state.wgsl: a window's report
    WindowReport { loss: f32, nats: f32, largest: f32, squares: f32, clipped: u32 }
    /// common/state.wgsl: what stands before the reports
    StateHead { first_bad: u32, scale: f32, wild: u32, factor: f32 }
}

/// Activations as rows/activation.wgsl numbers them.
pub fn activation_number(activation: rnnkit_core::spec::Activation) -> u32 {
    use rnnkit_core::spec::Activation;
    match activation {
        Activation::Linear => 0,
        Activation::Tanh => 1,
        Activation::Relu => 2,
        Activation::Sigmoid => 3,
    }
}
