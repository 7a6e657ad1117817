// Which of a table's jobs a workgroup works on: a dispatch does the jobs from `arguments.first_job` on, each in the workgroups from its
// `first_group` on. Workgroups beyond them are the last job's.

fn job_of(number: u32) -> u32 {
  var index = arguments.first_job + arguments.jobs - 1u;
  while (index > arguments.first_job && jobs[index].first_group > number) {
    index--;
  }
  return index;
}
