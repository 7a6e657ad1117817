const MOMENTS = 0u;
