//! [`GateMaps`]: a map of rows, for all gates at once, or for each gate apart where dropout gives every gate an x of its own.

use std::ops::Range;

use rnnkit_core::Result;

use super::bias::Bias;
use crate::aligned::Aligned;
use crate::pool::ThreadPool;
use crate::product::{Matrix, MatrixMut, PackedMatrix, Packing, Source, Start, Turn, multiply_panels};

/// y = W x + b with W [P, Q] over P = G*H: in one piece, or one for each gate, where every gate has an x of its own, [copies, Q] in a row, or
/// where threads share the H units of all gates.
pub struct GateMaps {
    /// Of x: Wᵀ [Q, P], or [Q, H] for each gate, each with its bias.
    forward: Vec<Affine>,
    /// Of dy: W [P, Q], or [H, Q] for each copy of x; none without a way back.
    backward: Vec<PackedWeight>,
    /// Rows of x that one row of y reads, side by side.
    copies: usize,
    /// Whether threads share the units.
    by_units: bool,
}

/// How a map is made.
#[derive(Clone, Copy)]
pub struct Cut {
    /// G.
    pub gates: usize,
    /// Rows of x that one row of y reads, side by side: 1, or G.
    pub copies: usize,
    /// Whether threads share the units, so that each gate begins a panel.
    pub by_units: bool,
}

impl Cut {
    /// In one piece.
    pub const WHOLE: Self = Self { gates: 1, copies: 1, by_units: false };
}

/// A weight with what is added.
struct Affine {
    weight: PackedWeight,
    bias: Aligned,
    bias_of: Bias,
}

/// A weight, packed.
struct PackedWeight {
    /// Where it lies in the flat buffer.
    from: Range<usize>,
    matrix: PackedMatrix,
}

impl GateMaps {
    /// A map with P = `rows`, with a way back if there is `training`.
    pub fn new(packing: Packing, weight: &Range<usize>, rows: usize, cut: Cut, bias_of: Bias, training: bool) -> Result<Self> {
        let pieces = if cut.by_units { cut.gates } else { cut.copies };
        let part = |gate: usize, of: usize| weight.start + gate * weight.len() / of..weight.start + (gate + 1) * weight.len() / of;
        let q = weight.len() / rows;
        let affine = |gate: usize| {
            let bias_of = if pieces == 1 { bias_of.clone() } else { bias_of.of_gate(gate, rows / pieces) };
            let matrix = PackedMatrix::new(packing, q, rows / pieces)?;
            Ok(Affine { weight: PackedWeight { from: part(gate, pieces), matrix }, bias: Aligned::zeros(rows / pieces)?, bias_of })
        };
        let back =
            |copy: usize| Ok(PackedWeight { from: part(copy, cut.copies), matrix: PackedMatrix::new(packing, rows / cut.copies, q)? });
        Ok(Self {
            forward: (0..pieces).map(affine).collect::<Result<_>>()?,
            backward: (0..if training { cut.copies } else { 0 }).map(back).collect::<Result<_>>()?,
            copies: cut.copies,
            by_units: cut.by_units,
        })
    }

    /// Takes the weights of the flat buffer.
    pub fn pack(&mut self, pool: &ThreadPool, parameters: &[f32]) {
        for Affine { weight, bias, bias_of } in &mut self.forward {
            weight.matrix.pack(pool, Source::Transposed(&parameters[weight.from.clone()]));
            bias_of.write(parameters, bias);
        }
        for weight in &mut self.backward {
            weight.matrix.pack(pool, Source::RowMajor(&parameters[weight.from.clone()]));
        }
    }

    /// `out` [rows, P] = the map of `x` [rows, copies, Q]: from the bias, or added to what is there.
    pub fn forward(&self, x: &[f32], rows: usize, out: &mut [f32], from_bias: bool) {
        let out = MatrixMut::new(out, rows, self.rows());
        // SAFETY: `out` is ours.
        unsafe { self.forward_units(Matrix::new(x, rows, self.width()), &out, 0..rows, &(0..self.piece_rows()), from_bias, Turn::ONLY) }
    }

    /// The same for some units of all gates, at some rows of `out`. Units that are not all begin and end with a panel, or at H.
    ///
    /// # Safety
    /// Nobody else reads or writes those units of those rows meanwhile.
    pub unsafe fn forward_units(&self, x: Matrix, out: &MatrixMut, rows: Range<usize>, units: &Range<usize>, from_bias: bool, turn: Turn) {
        let size = self.piece_rows();
        let units = if self.by_units { units.clone() } else { 0..size };
        for (gate, Affine { weight: PackedWeight { matrix, .. }, bias, .. }) in self.forward.iter().enumerate() {
            let start = if from_bias { Start::Row(&bias[units.clone()]) } else { Start::Current };
            // SAFETY: as for this function.
            let out = unsafe { out.shared_part(rows.clone(), gate * size + units.start..gate * size + units.end) };
            multiply_panels(self.x(x, gate), matrix, matrix.shape().panels_of(&units), out, start, turn);
        }
    }

    /// As `forward_units` of rows of zeros.
    ///
    /// # Safety
    /// As there.
    pub unsafe fn add_nothing(&self, out: &MatrixMut, rows: Range<usize>, units: &Range<usize>, from_bias: bool) {
        let size = self.piece_rows();
        let units = if self.by_units { units.clone() } else { 0..size };
        for (gate, Affine { bias, .. }) in self.forward.iter().enumerate().filter(|_| from_bias) {
            // SAFETY: as for this function.
            let mut out = unsafe { out.shared_part(rows.clone(), gate * size + units.start..gate * size + units.end) };
            (0..rows.len()).for_each(|row| out.row(row).copy_from_slice(&bias[units.clone()]));
        }
    }

    /// `dx` [rows, copies, Q] = the way back of `dy` [rows, P], or added to what is there; nothing of a map made without one.
    pub fn back(&self, dy: &[f32], rows: usize, dx: &mut [f32], start: Start) {
        let dx = MatrixMut::new(dx, rows, self.width());
        self.back_units(Matrix::new(dy, rows, self.rows()), dx, &(0..self.width() / self.copies), start, Turn::ONLY);
    }

    /// The same for some of the Q values of x, which `dx` [rows, units] has alone; with copies, for all. Units as in `forward_units`.
    pub fn back_units(&self, dy: Matrix, mut dx: MatrixMut, units: &Range<usize>, start: Start, turn: Turn) {
        for (copy, PackedWeight { matrix, .. }) in self.backward.iter().enumerate() {
            let (size, rows) = (matrix.shape().k(), dx.rows());
            let dx = dx.part(0..rows, copy * units.len()..(copy + 1) * units.len());
            multiply_panels(dy.columns(&(copy * size..(copy + 1) * size)), matrix, matrix.shape().panels_of(units), dx, start, turn);
        }
    }

    /// The panels of a map in one piece; none of others.
    pub fn panels(&self) -> usize {
        if self.forward.len() == 1 { self.forward[0].weight.matrix.shape().panels() } else { 0 }
    }

    /// The same of the way back; none of a map made without one.
    pub fn panels_back(&self) -> usize {
        if self.backward.len() == 1 { self.backward[0].matrix.shape().panels() } else { 0 }
    }

    /// Some panels of a map in one piece: `out` [rows, P] of `x` [rows, Q], from the bias.
    ///
    /// # Safety
    /// Nobody else reads or writes those columns of `out` meanwhile.
    pub unsafe fn forward_panels(&self, x: Matrix, out: &MatrixMut, panels: Range<usize>) {
        let Affine { weight: PackedWeight { matrix, .. }, bias, .. } = &self.forward[0];
        let columns = matrix.shape().columns_of(&panels);
        // SAFETY: as for this function.
        let out = unsafe { out.shared_part(0..x.rows, columns.clone()) };
        multiply_panels(x, matrix, panels, out, Start::Row(&bias[columns]), Turn::ONLY);
    }

    /// Some panels of its way back: `dx` [rows, Q] of `dy` [rows, P].
    ///
    /// # Safety
    /// Nobody else reads or writes those columns of `dx` meanwhile.
    pub unsafe fn back_panels(&self, dy: Matrix, dx: &MatrixMut, panels: Range<usize>) {
        let PackedWeight { matrix, .. } = &self.backward[0];
        // SAFETY: as for this function.
        let dx = unsafe { dx.shared_part(0..dy.rows, matrix.shape().columns_of(&panels)) };
        multiply_panels(dy, matrix, panels, dx, Start::Zero, Turn::ONLY);
    }

    /// Values that a row of x has.
    pub fn width(&self) -> usize {
        self.copies * self.forward[0].weight.matrix.shape().k()
    }

    /// Columns of a panel, if threads may share the units.
    pub fn shared_by(&self) -> Option<usize> {
        self.by_units.then(|| self.forward[0].weight.matrix.shape().panel_width())
    }

    /// P.
    fn rows(&self) -> usize {
        self.forward.len() * self.piece_rows()
    }

    fn piece_rows(&self) -> usize {
        self.forward[0].weight.matrix.shape().n()
    }

    fn x<'a>(&self, x: Matrix<'a>, gate: usize) -> Matrix<'a> {
        let q = self.width() / self.copies;
        if self.copies == 1 { x } else { x.columns(&(gate * q..(gate + 1) * q)) }
    }
}
