// Which position of the data a predicted row is, and whether it counts.

// A lane without any time step has no last one: a number beyond all.
fn predicted_step(row: u32) -> u32 {
  if (arguments.last_step == 1u) {
    return length_of(lane_of_row(row)) - 1u;
  }
  return step_of_row(row);
}

fn position_of(row: u32) -> u32 {
  return plan[arguments.starts + lane_of_row(row)] + predicted_step(row);
}

fn is_counted(row: u32, position: u32) -> bool {
  if (predicted_step(row) >= length_of(lane_of_row(row))) {
    return false;
  }
  if (arguments.has_mask == 0u) {
    return true;
  }
  return mask[position] != 0.0;
}
