/** Where a long text may be cut so that its slices can be worked on one by one. */
import { SLICE } from '../slices.ts'

const SPACE = 0x20
const LINE_FEED = 0x0a

/** The end of the slice of well-formed text that begins at `from`: never within a surrogate pair. */
export function sliceEnd(text: string, from: number): number {
  const end = from + SLICE
  if (end >= text.length) return text.length
  const unit = text.charCodeAt(end)
  return unit >= 0xdc00 && unit <= 0xdfff ? end + 1 : end
}

/** As `sliceEnd`, behind a space or line feed: what is before it changes neither the case nor the line ends of what follows, nor the reverse. */
export function lineSliceEnd(text: string, from: number): number {
  for (let end = from + SLICE; end < text.length; end++) {
    const unit = text.charCodeAt(end - 1)
    if (unit === SPACE || unit === LINE_FEED) return end
  }
  return text.length
}
