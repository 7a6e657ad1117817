//! Writes the unrolled part of a resident kernel: weights that are to stay in registers need a name each, since a compiler puts an array
//! that is indexed at run time into memory.

use std::fmt::Write as _;

use super::ResidentShape;
use super::shape::QUAD;

/// The constants that `shaders/recurrent/resident.wgsl` tells of, the weights' places, and the product.
pub fn product_text(shape: &ResidentShape) -> String {
    [constants(shape), places(shape), sums(shape), product(shape)].join("\n")
}

/// Lines, each made of a number below `count`.
fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |mut all, i| {
        // Writing to a String cannot fail.
        let _ = writeln!(all, "{}", line(i));
        all
    })
}

fn constants(shape: &ResidentShape) -> String {
    let ResidentShape { cell, size, parts, lanes, quads, in_registers, in_memory } = shape;
    format!(
        "// {cell:?}: of {} k a thread, {in_registers} in registers, {in_memory} in workgroup memory.\n\n\
         const SIZE = {size}u;\nconst PARTS = {parts}u;\nconst LANES = {lanes}u;\nconst QUADS = {quads}u;\n",
        shape.depth()
    )
}

/// The weights in registers, and those in workgroup memory, where there are any.
fn places(shape: &ResidentShape) -> String {
    let (held, stored) = (shape.in_registers, shape.in_memory);
    let k = |k: usize| format!("weight(weights, 4u * QUADS * part + {k}u, unit)");
    let fields = lines(held, |i| format!("  k{i}: PackedGates,"));
    let loads = lines(held, |i| format!("    {},", k(i)));
    let stores = lines(stored, |i| format!("  stored[{i}u * THREADS + thread] = {};", k(held + i)));
    let memory = if stored == 0 {
        String::new()
    } else {
        format!("// [k][thread]\nvar<workgroup> stored: array<PackedGates, {stored}u * THREADS>;\n\n")
    };
    format!(
        "struct Held {{\n{fields}}}\n\n{memory}\
         fn load_held(weights: u32, unit: u32, part: u32) -> Held {{\n  return Held(\n{loads}  );\n}}\n\n\
         fn store_weights(weights: u32, unit: u32, part: u32, thread: u32) {{\n{stores}}}\n"
    )
}

/// A thread's sums, one for each lane.
fn sums(shape: &ResidentShape) -> String {
    let fields = lines(shape.lanes, |lane| format!("  lane{lane}: Gates,"));
    let shares = lines(shape.lanes, |lane| format!("  partial[(part * LANES + {lane}u) * SIZE + unit] = share_of(sums.lane{lane});"));
    format!("struct LaneSums {{\n{fields}}}\n\nfn share(sums: LaneSums, unit: u32, part: u32) {{\n{shares}}}\n")
}

/// The thread's product with the operand: quads with weights in registers or workgroup memory unrolled, the others in a loop.
fn product(shape: &ResidentShape) -> String {
    let kept = shape.in_registers + shape.in_memory;
    let unrolled = kept.div_ceil(QUAD);
    let sums = lines(shape.lanes, |lane| format!("  var sum{lane}: Gates;"));
    let quads: String = (0..unrolled)
        .map(|quad| {
            let weight = |i: usize| match QUAD * quad + i {
                k if k < shape.in_registers => format!("held.k{k}"),
                k if k < kept => format!("stored[{}u * THREADS + thread]", k - shape.in_registers),
                k => format!("weight(weights, 4u * first + {k}u, unit)"),
            };
            format!("  {{\n{}  }}\n", quad_lines(shape, &format!("{quad}u"), weight))
        })
        .collect();
    let streamed = if unrolled == shape.quads {
        String::new()
    } else {
        let body = quad_lines(shape, "quad", |i| format!("weight(weights, 4u * (first + quad) + {i}u, unit)"));
        format!("  for (var quad = {unrolled}u; quad < QUADS; quad++) {{\n{body}  }}\n")
    };
    let all = (0..shape.lanes).map(|lane| format!("sum{lane}")).collect::<Vec<_>>().join(", ");
    format!(
        "fn product(held: Held, weights: u32, unit: u32, part: u32, thread: u32) -> LaneSums {{\n  let first = QUADS * part;\n\
         {sums}{quads}{streamed}  return LaneSums({all});\n}}\n"
    )
}

/// Four k, each with all lanes.
fn quad_lines(shape: &ResidentShape, quad: &str, weight: impl Fn(usize) -> String) -> String {
    let operands = lines(shape.lanes, |lane| format!("    let x{lane} = operand[{lane}u * LANE_QUADS + first + {quad}];"));
    (0..QUAD).fold(operands, |all, i| {
        let adds = lines(shape.lanes, |lane| format!("    sum{lane} = add(sum{lane}, w{i}, x{lane}[{i}]);"));
        format!("{all}    let w{i} = {};\n{adds}", weight(i))
    })
}

#[cfg(test)]
mod tests {
    use rnnkit_core::cell::CellKind;

    use super::*;

    /// Compares with a file beside this one; with `RNNKIT_WRITE_SNAPSHOTS=1`, writes it.
    fn assert_snapshot(shape: ResidentShape, file: &str) {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/resident/snapshots").join(file);
        let text = product_text(&shape);
        if std::env::var("RNNKIT_WRITE_SNAPSHOTS").as_deref() == Ok("1") {
            std::fs::write(&path, &text).expect("the folder is there");
        }
        let want = std::fs::read_to_string(&path).expect("a snapshot is committed");
        assert_eq!(text, want, "{file}: if the new text is right, run this test with RNNKIT_WRITE_SNAPSHOTS=1");
    }

    #[test]
    fn two_lanes_with_weights_in_all_three_places() {
        let shape = ResidentShape { cell: CellKind::Lstm, size: 22, parts: 2, lanes: 2, quads: 3, in_registers: 3, in_memory: 2 };
        assert_snapshot(shape, "two_lanes.wgsl");
    }

    #[test]
    fn one_lane_with_all_weights_in_registers() {
        let shape = ResidentShape { cell: CellKind::ElmanTanh, size: 7, parts: 2, lanes: 1, quads: 1, in_registers: 4, in_memory: 0 };
        assert_snapshot(shape, "one_lane.wgsl");
    }
}
