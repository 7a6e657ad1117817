const A_TRANSPOSED = true;
const B_TRANSPOSED = false;
