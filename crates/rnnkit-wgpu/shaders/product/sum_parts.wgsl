// Products that were summed in parts: the parts of each element, added in order.

struct Arguments {
  first_job: u32,
  jobs: u32,
}

// One product: `parts` times `elements` in the arena, and where their sums go in the gradients.
struct Parts {
  first_group: u32,
  elements: u32,
  parts: u32,
  source: u32,
  to: u32,
}

var<immediate> arguments: Arguments;
@group(0) @binding(0) var<storage, read_write> arena: array<f32>;
@group(0) @binding(1) var<storage, read_write> gradients: array<f32>;
@group(0) @binding(2) var<storage, read> jobs: array<Parts>;

@compute @workgroup_size(256)
fn sum_parts(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let number = jobs[arguments.first_job].first_group + group.y * groups.x + group.x;
  let job = jobs[job_of(number)];
  let element = (number - job.first_group) * 256u + thread;
  if (element >= job.elements) {
    return;
  }
  var sum = 0.0;
  for (var part = 0u; part < job.parts; part++) {
    sum += arena[job.source + part * job.elements + element];
  }
  gradients[job.to + element] = sum;
}
