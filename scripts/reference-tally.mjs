/** Reads what the door of the reference cases prints, and judges it. */
import { stripVTControlCharacters } from 'node:util'

/**
 * The failing cases, and how many of the others hold the plain tolerance. The door prints `case: what is wrong` for each failure, the plain
 * ones where it was given a wider tolerance, then the tally. Gives `undefined` when these do not agree.
 *
 * @param {string} output
 * @param {readonly string[]} names of all cases
 */
export function readDoor(output, names) {
  const text = stripVTControlCharacters(output)
  const known = new Set(names)
  const begun = [...text.matchAll(/^([^:\s]+): /gm)].map(([, name]) => name)
  const failing = new Set(begun.filter((name) => known.has(name)))
  const tally = /^(\d+) passed, (\d+) failed$/m.exec(text)
  const passed = names.length - failing.size
  if (tally === null || Number(tally[1]) !== passed || Number(tally[2]) !== failing.size) return undefined
  const plain = /^(\d+) at the plain tolerance, \d+ only at \S+ times it$/m.exec(text)
  return { failing, plain: plain === null ? passed : Number(plain[1]) }
}

/**
 * All cases must pass, and most hold the plain tolerance.
 *
 * @param {readonly string[]} names of all cases
 * @param {{ failing: ReadonlySet<string>, plain: number }} found
 */
export function judge(names, { failing, plain }) {
  const problems = names.filter((name) => failing.has(name))
  const passed = names.length - problems.length
  const loose = passed > 0 && 2 * plain <= passed
  if (loose) problems.push(`only ${plain} of ${passed} cases hold the plain tolerance`)
  return { passed, failed: problems.length, problems }
}
