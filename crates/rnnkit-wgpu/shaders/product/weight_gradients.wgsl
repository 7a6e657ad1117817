// Many sums over a window's positions in one dispatch, each a job: products of gradients and inputs, sums of gradients, and sums over the
// positions of equal symbols. A workgroup finds its job by its number.

// dW [rows, columns] = dYᵀ X over positions, or a part of that sum
const PRODUCT = 0u;
// db [columns] = the sum of dY [positions, columns]
const SUM = 1u;
// for each symbol, the sum of dY [positions, columns] over its positions
const SYMBOLS = 2u;

struct Job {
  kind: u32,
  // number of its first workgroup
  first_group: u32,
  rows: u32,
  columns: u32,
  // positions; and in how many parts of how many they are summed, one after the other
  positions: u32,
  parts: u32,
  part_positions: u32,
  // in the arena: dY and X, and from one position to the next in each
  dy: u32,
  dy_stride: u32,
  x: u32,
  x_stride: u32,
  // where the result goes, and in which buffer: 1 = the gradients, 0 = the arena
  to: u32,
  to_gradients: u32,
  // a second place in the gradients, or NOWHERE
  also_to: u32,
  // SYMBOLS: from one symbol to the next in the result, from one column to the next
  symbol_stride: u32,
  column_stride: u32,
}

struct Arguments {
  first_job: u32,
  jobs: u32,
  // workgroups of the jobs that dispatches before this one did
  first_group: u32,
  // in the plan: [T * N] positions sorted by symbol, [V + 1] where each symbol's begin
  sorted: u32,
  begins: u32,
}

const NOWHERE = 0xffffffffu;

// Columns of a workgroup. All positions are many, so that a column has many threads; those of one symbol are few.
const SUM_COLUMNS = 16u;
const SYMBOL_COLUMNS = 64u;

var<immediate> arguments: Arguments;
@group(0) @binding(0) var<storage, read_write> arena: array<f32>;
@group(0) @binding(1) var<storage, read_write> gradients: array<f32>;
@group(0) @binding(2) var<storage, read> jobs: array<Job>;
@group(0) @binding(3) var<storage, read> plan: array<u32>;

var<private> job: Job;
var<workgroup> sums: array<f32, 256>;

fn a_at(row: u32, position: u32) -> f32 {
  if (row >= job.rows) {
    return 0.0;
  }
  return arena[job.dy + position * job.dy_stride + row];
}

fn b_at(position: u32, column: u32) -> f32 {
  if (column >= job.columns) {
    return 0.0;
  }
  return arena[job.x + position * job.x_stride + column];
}

fn put(at: u32, value: f32) {
  if (job.to_gradients == 1u) {
    gradients[job.to + at] = value;
    if (job.also_to != NOWHERE) {
      gradients[job.also_to + at] = value;
    }
  } else {
    arena[job.to + at] = value;
  }
}

fn put_product(number: u32, thread: u32) {
  let across = (job.columns + TILE - 1u) / TILE;
  let down = (job.rows + TILE - 1u) / TILE;
  let part = number / (across * down);
  let first_row = ((number / across) % down) * TILE;
  let first_column = (number % across) * TILE;
  let begin = part * job.part_positions;
  let tile = tile_product(first_row, first_column, begin, min(begin + job.part_positions, job.positions), thread);
  for (var i = 0u; i < 4u; i++) {
    let row = first_row + (thread / 16u) * 4u + i;
    let values = row_of(tile, i);
    for (var j = 0u; j < 4u; j++) {
      let column = first_column + (thread % 16u) * 4u + j;
      if (row < job.rows && column < job.columns) {
        put((part * job.rows + row) * job.columns + column, values[j]);
      }
    }
  }
}

// A sum of each of `wide` neighbouring columns over `count` positions. The threads of a column take turns with its positions; their sums
// are added in order.
fn column_sum(column: u32, wide: u32, count: u32, by_symbol: bool, begin: u32, thread: u32) -> f32 {
  let turns = 256u / wide;
  var sum = 0.0;
  if (column < job.columns) {
    for (var i = thread / wide; i < count; i += turns) {
      var position = i;
      if (by_symbol) {
        position = plan[arguments.sorted + begin + i];
      }
      sum += arena[job.dy + position * job.dy_stride + column];
    }
  }
  sums[thread] = sum;
  workgroupBarrier();
  var total = 0.0;
  for (var turn = 0u; turn < turns; turn++) {
    total += sums[turn * wide + thread % wide];
  }
  return total;
}

@compute @workgroup_size(256)
fn weight_gradients(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let number = jobs[arguments.first_job].first_group + arguments.first_group + group.y * groups.x + group.x;
  job = jobs[job_of(number)];
  let in_job = number - job.first_group;
  switch job.kind {
    case PRODUCT: {
      if (in_job < job.parts * ((job.columns + TILE - 1u) / TILE) * ((job.rows + TILE - 1u) / TILE)) {
        put_product(in_job, thread);
      }
    }
    case SUM: {
      let column = in_job * SUM_COLUMNS + thread % SUM_COLUMNS;
      let sum = column_sum(column, SUM_COLUMNS, job.positions, false, 0u, thread);
      if (thread < SUM_COLUMNS && column < job.columns) {
        put(column, sum);
      }
    }
    default: {
      let across = (job.columns + SYMBOL_COLUMNS - 1u) / SYMBOL_COLUMNS;
      let symbol = in_job / across;
      // the last row of workgroups may reach beyond the last job
      if (symbol < job.rows) {
        let column = (in_job % across) * SYMBOL_COLUMNS + thread % SYMBOL_COLUMNS;
        let begin = plan[arguments.begins + symbol];
        let sum = column_sum(column, SYMBOL_COLUMNS, plan[arguments.begins + symbol + 1u] - begin, true, begin, thread);
        if (thread < SYMBOL_COLUMNS && column < job.columns) {
          put(symbol * job.symbol_stride + column * job.column_stride, sum);
        }
      }
    }
  }
}
