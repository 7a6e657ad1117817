//! Weight gradients: one product over all T·N rows, tile after tile in order, cut into fixed blocks of the result's rows.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use rnnkit_core::plan::{Dense, ModelPlan, Recurrent};

use super::head::{predicted_rows, reads_ends};
use super::recurrent::is_zero;
use super::sums;
use crate::pool::ThreadPool;
use crate::product::{Matrix, MatrixMut, outer, strides_conflict};
use crate::simd::{Isa, LANES};
use crate::workspace::{LaneTile, Workspace};

/// The most sums over rows that one task makes: half a second cache.
const SUMS: usize = 128 << 10;
/// How many rows of a weight gradient one task makes, about.
const BLOCK: usize = 64;
/// The same where it packs both sides, which more rows repay.
const PACKED_BLOCK: usize = 256;
/// The fewest rows of it, but for the last task.
const LEAST_BLOCK: usize = 4;

/// What all of these need.
pub struct Gradients<'a> {
    /// The instruction set.
    pub isa: Isa,
    /// The threads.
    pub pool: &'a ThreadPool,
    /// Time steps T of the window.
    pub time: usize,
    /// Looked at before each block.
    pub abort: &'a AtomicBool,
}

/// One tile's two sides of a product: gradients [rows, P] and inputs [rows, Q].
type Sides<'a> = (&'a [f32], &'a [f32]);

impl Gradients<'_> {
    /// dw [P, Q] = sum over tiles, in order, of dyᵀ · x. `copies`: how often a row of x holds the Q values, 1 or once for each gate, whose
    /// P / copies rows of dw meet their own.
    fn outer<'t>(&self, dw: &mut [f32], [p, copies]: [usize; 2], tiles: &'t [LaneTile], sides: impl Fn(&'t LaneTile) -> Sides<'t> + Sync) {
        let (q, size) = (dw.len() / p, p / copies);
        for (gate, dw) in dw.chunks_exact_mut(size * q).enumerate() {
            let tall = self.block(size, p);
            self.pool.for_each_chunk(dw, tall * q, |block, dw| {
                if self.stops() {
                    return;
                }
                let height = dw.len() / q;
                let piece = |number: usize| {
                    let (dy, x) = sides(tiles.get(number)?);
                    let rows = dy.len() / p;
                    let dy = if rows == 0 { dy } else { &dy[gate * size + block * tall..] };
                    Some((
                        Matrix::with_stride(dy, rows, height, p),
                        Matrix::with_stride(if rows == 0 { x } else { &x[gate * q..] }, rows, q, copies * q),
                    ))
                };
                outer(self.isa, piece, MatrixMut::new(dw, height, q), false);
            });
        }
    }

    /// db [P] = sum over tiles and rows, in order, of dy.
    fn bias<'t>(&self, db: &mut [f32], tiles: &'t [LaneTile], dy: impl Fn(&'t LaneTile) -> &'t [f32] + Sync) {
        let (p, width) = (db.len(), self.sums_at_once(db.len(), 1));
        self.pool.for_each_chunk(db, width, |block, db| {
            self.isa.dispatch(sums::Rows { sums: db, parts: tiles.iter().map(&dy), stride: p, first: block * width });
        });
    }

    /// How many of the P columns of gradient rows one task sums, `each` sums a column: a part for each thread, since long runs of a row are
    /// read fast, but no more than stay in a cache.
    fn sums_at_once(&self, p: usize, each: usize) -> usize {
        let most = (SUMS / each).max(BLOCK) / LANES * LANES;
        p.div_ceil(self.pool.threads()).next_multiple_of(LANES).min(most)
    }

    /// dw [P, V]: column id = sum of dy over its rows, in order (V itself is no symbol), and db [P] the sum over all rows, by way of the
    /// transposed scratch [V + 1, P] in blocks of P.
    fn symbols<'t>(
        &self,
        gradients: &mut [f32],
        [dw, db]: [&Range<usize>; 2],
        scratch: &mut [f32],
        tiles: &'t [LaneTile],
        sides: impl Fn(&'t LaneTile) -> (&'t [f32], &'t [u32]) + Sync,
    ) {
        let (p, v) = (db.len(), dw.len() / db.len());
        let at_once = self.sums_at_once(p, v + 1);
        self.pool.for_each_chunk(scratch, at_once * (v + 1), |block, sums| {
            let width = sums.len() / (v + 1);
            sums.fill(0.0);
            for tile in tiles {
                let (dy, ids) = sides(tile);
                self.isa.dispatch(sums::Symbols { sums, width, ids, rows: dy, stride: p, first: block * at_once });
            }
        });
        let sums_of =
            |block: usize, rows: Range<usize>, width: usize| &scratch[block * at_once * (v + 1)..][rows.start * width..rows.end * width];
        self.pool.for_each_chunk(&mut gradients[dw.clone()], at_once * v, |block, dw| {
            sums::transpose(sums_of(block, 0..v, dw.len() / v), dw, v);
        });
        for (block, db) in gradients[db.clone()].chunks_mut(at_once).enumerate() {
            db.copy_from_slice(sums_of(block, v..v + 1, db.len()));
        }
    }

    /// All four tensors of a recurrent layer.
    pub fn recurrent(&self, space: &mut Workspace, gradients: &mut [f32], index: usize, layer: &Recurrent) {
        let split = layer.cell.is_split();
        let (size, p) = (layer.size, layer.cell.gates() * layer.size);
        let rows = |tile: &LaneTile| self.time * tile.n();
        let d_input = |tile| -> &[f32] {
            let tile: &LaneTile = tile;
            &tile.layers[index].gates[..rows(tile) * p]
        };
        let d_hidden = |tile| -> &[f32] {
            let tile: &LaneTile = tile;
            if split { &tile.layers[index].d_hidden[..rows(tile) * p] } else { d_input(tile) }
        };
        let Workspace { tiles, columns, .. } = space;
        let tiles = &**tiles;
        if layer.one_hot {
            let sides = |tile| (d_input(tile), &tile.ids[..rows(tile)]);
            self.symbols(gradients, [&layer.weight_ih, &layer.bias_ih], columns, tiles, sides);
        } else {
            let sides = |tile| (d_input(tile), &tile.input_of(index)[..rows(tile) * layer.copies * layer.input]);
            self.outer(&mut gradients[layer.weight_ih.clone()], [p, layer.copies], tiles, sides);
            self.bias(&mut gradients[layer.bias_ih.clone()], tiles, d_input);
        }
        let copies = tiles[0].layers[index].entering[1].len() / (tiles[0].n() * size);
        if copies > 0 {
            let sides = |tile| (d_hidden(tile), &tile.layers[index].entering[0][..rows(tile) * copies * size]);
            self.outer(&mut gradients[layer.weight_hh.clone()], [p, copies], tiles, sides);
        } else {
            self.hidden(&mut gradients[layer.weight_hh.clone()], p, size, index, tiles, d_hidden);
        }
        if split {
            self.bias(&mut gradients[layer.bias_hh.clone()], tiles, d_hidden);
        } else {
            gradients.copy_within(layer.bias_ih.clone(), layer.bias_hh.start);
        }
    }

    /// dW_hh: time step 0 meets the states the window starts from, step t those of t - 1.
    fn hidden<'t>(
        &self,
        dw: &mut [f32],
        p: usize,
        size: usize,
        index: usize,
        tiles: &'t [LaneTile],
        d_hidden: impl Fn(&'t LaneTile) -> &'t [f32] + Sync,
    ) {
        let tall = self.block(p, p);
        self.pool.for_each_chunk(dw, tall * size, |block, dw| {
            if self.stops() {
                return;
            }
            let height = dw.len() / size;
            // Two pieces for each tile.
            let piece = |number: usize| {
                let tile = tiles.get(number / 2)?;
                let (n, dy, space) = (tile.n(), d_hidden(tile), &tile.layers[index]);
                let (start, rest) = (Matrix::new(&space.start[0], n, size), (self.time - 1) * n);
                let (dy, h, rows) = match number % 2 {
                    // A state of zero adds nothing.
                    0 if is_zero(start) => (dy, &[][..], 0),
                    0 => (&dy[..n * p], start.values, n),
                    _ => (&dy[n * p..], &space.output[..rest * size], rest),
                };
                let dy = if rows == 0 { dy } else { &dy[block * tall..] };
                Some((Matrix::with_stride(dy, rows, height, p), Matrix::new(h, rows, size)))
            };
            outer(self.isa, piece, MatrixMut::new(dw, height, size), false);
        });
    }

    /// Rows of a weight's gradient for one task, of `rows` in rows of gradients of `p` values: as many tasks for one thread as for another.
    fn block(&self, rows: usize, p: usize) -> usize {
        let about = if strides_conflict(p) { PACKED_BLOCK } else { BLOCK };
        let blocks = (rows / about).max(1).next_multiple_of(self.pool.threads());
        rows.div_ceil(blocks).max(LEAST_BLOCK)
    }

    fn stops(&self) -> bool {
        self.abort.load(Ordering::Relaxed)
    }

    /// Weight and bias of a dense layer.
    pub fn dense(&self, space: &mut Workspace, gradients: &mut [f32], index: usize, layer: &Dense) {
        let rows = |tile: &LaneTile| self.time * tile.n();
        let dy = |tile| -> &[f32] {
            let tile: &LaneTile = tile;
            &tile.layers[index].d_output[..rows(tile) * layer.size]
        };
        let Workspace { tiles, columns, .. } = space;
        let tiles = &**tiles;
        if layer.one_hot {
            self.symbols(gradients, [&layer.weight, &layer.bias], columns, tiles, |tile| (dy(tile), &tile.ids[..rows(tile)]));
        } else {
            let sides = |tile| (dy(tile), &tile.input_of(index)[..rows(tile) * layer.input]);
            self.outer(&mut gradients[layer.weight.clone()], [layer.size, 1], tiles, sides);
            self.bias(&mut gradients[layer.bias.clone()], tiles, dy);
        }
    }

    /// Weight and bias of the head.
    pub fn head(&self, space: &mut Workspace, gradients: &mut [f32], plan: &ModelPlan) {
        let Some((weight, bias)) = &plan.head.weights else { return };
        let (input, size) = (plan.head.input, plan.head.size);
        let rows = |tile: &LaneTile| predicted_rows(plan, self.time, tile.n());
        let dy = |tile| -> &[f32] {
            let tile: &LaneTile = tile;
            &tile.logits[..rows(tile).len() * size]
        };
        let x = |tile| -> &[f32] {
            let tile: &LaneTile = tile;
            if reads_ends(plan, tile) {
                &tile.ends
            } else {
                &tile.input_of(plan.layers.len())[rows(tile).start * input..rows(tile).end * input]
            }
        };
        self.outer(&mut gradients[weight.clone()], [size, 1], &space.tiles, |tile| (dy(tile), x(tile)));
        self.bias(&mut gradients[bias.clone()], &space.tiles, dy);
    }

    /// The embedding table: the sum over equal symbols, in order of tiles and rows.
    pub fn embedding(&self, space: &Workspace, gradients: &mut [f32], plan: &ModelPlan) {
        let Some(table) = &plan.embedding else { return };
        let width = plan.spec.input.width();
        let d = &mut gradients[table.clone()];
        d.fill(0.0);
        for tile in &space.tiles {
            let rows = self.time * tile.n();
            let vocabulary = d.len() / width;
            for (dx, &id) in tile.d_input[..rows * width].chunks_exact(width).zip(&tile.ids).filter(|(_, id)| (**id as usize) < vocabulary)
            {
                for (d, &dx) in d[id as usize * width..].iter_mut().zip(dx) {
                    *d += dx;
                }
            }
        }
    }
}
