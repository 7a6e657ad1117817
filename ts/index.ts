/** Public names only. */
export {}
