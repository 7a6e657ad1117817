/** How varied a text is. */

/** Share of a text's runs of `n` characters that are distinct, (0, 1]: a text that goes round in circles has few. */
export function distinctShare(text: string, n = 4): number {
  const characters = [...text]
  const grams = characters.slice(n - 1).map((_, i) => characters.slice(i, i + n).join(''))
  return new Set(grams).size / grams.length
}
