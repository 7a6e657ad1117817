// The weights in the orders the recurrent kernels read them, made anew after each update: one job for each matrix.

// [k][unit] in gates: forward
const FORWARD = 0u;
// [unit][j] in gates: back
const BACK = 1u;
// [symbol] rows of columns of the input weights, bias added, gates in blocks: into the arena; a last row of the bias alone, for no symbol
const TABLE = 2u;

struct Job {
  kind: u32,
  first_group: u32,
  gates: u32,
  // numbers that a unit's gates take in the packed buffer
  stride: u32,
  // units H, and width of the matrix: weights are [gates * H, width]
  size: u32,
  width: u32,
  // in the parameters
  weights: u32,
  bias: u32,
  // in the packed buffer in numbers, or in the arena
  to: u32,
}

struct Arguments {
  first_job: u32,
  jobs: u32,
}

var<immediate> arguments: Arguments;
@group(0) @binding(0) var<storage, read_write> parameters: array<f32>;
@group(0) @binding(1) var<storage, read_write> packed: array<Packed>;
@group(0) @binding(2) var<storage, read_write> arena: array<f32>;
@group(0) @binding(3) var<storage, read> jobs: array<Job>;

@compute @workgroup_size(256)
fn pack(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let number = jobs[arguments.first_job].first_group + group.y * groups.x + group.x;
  let job = jobs[job_of(number)];
  let element = (number - job.first_group) * 256u + thread;
  if (job.kind == TABLE) {
    let columns = job.gates * job.size;
    let symbol = element / columns;
    let column = element % columns;
    if (symbol <= job.width) {
      var value = parameters[job.bias + column];
      if (symbol < job.width) {
        value += parameters[job.weights + column * job.width + symbol];
      }
      arena[job.to + element] = value;
    }
    return;
  }
  if (element >= job.size * job.width) {
    return;
  }
  var unit = element % job.size;
  var other = element / job.size;
  if (job.kind == BACK) {
    other = element % job.width;
    unit = element / job.width;
  }
  for (var gate = 0u; gate < job.gates; gate++) {
    packed[job.to + element * job.stride + gate] = packed_number(parameters[job.weights + (gate * job.size + unit) * job.width + other]);
  }
}
