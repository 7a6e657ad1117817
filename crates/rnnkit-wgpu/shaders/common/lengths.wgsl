// Which rows of a window lie within their lanes' sequences: the lengths [N] stand in the window's plan from `arguments.lengths` on. Row
// t * lanes + lane is lane `lane` at time step t.

fn length_of(lane: u32) -> u32 {
  return plan[arguments.lengths + lane];
}

fn lane_of_row(row: u32) -> u32 {
  return row % arguments.lanes;
}

fn step_of_row(row: u32) -> u32 {
  return row / arguments.lanes;
}

fn is_within(row: u32) -> bool {
  return step_of_row(row) < length_of(lane_of_row(row));
}

// The row as far from its lane's end as this one, which lies within, is from its start.
fn turned_row(row: u32) -> u32 {
  let lane = lane_of_row(row);
  return (length_of(lane) - 1u - step_of_row(row)) * arguments.lanes + lane;
}
