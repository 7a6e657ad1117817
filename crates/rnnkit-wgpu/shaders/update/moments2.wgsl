const MOMENTS = 2u;
