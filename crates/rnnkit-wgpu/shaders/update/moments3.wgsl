const MOMENTS = 3u;
