// Which position of the data a predicted row is, and whether it counts.

fn position_of(row: u32) -> u32 {
  return plan[arguments.starts + row % arguments.lanes] + arguments.first_step + row / arguments.lanes;
}

fn is_counted(position: u32) -> bool {
  if (arguments.has_mask == 0u) {
    return true;
  }
  return mask[position] != 0.0;
}
