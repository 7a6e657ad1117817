const RELU = true;
