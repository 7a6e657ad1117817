const A_TRANSPOSED = false;
const B_TRANSPOSED = true;
