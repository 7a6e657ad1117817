const MOMENTS = 1u;
