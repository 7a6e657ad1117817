const RELU = false;
