/** Reads what the door of the reference cases prints, and judges it against the cases that are not built yet. */
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
 * All cases must pass but those whose names begin with one of `notYet`; of those all must fail. Most that pass must hold the plain
 * tolerance.
 *
 * @param {readonly string[]} names of all cases
 * @param {{ failing: ReadonlySet<string>, plain: number }} found
 * @param {readonly string[]} notYet
 */
export function judge(names, { failing, plain }, notYet) {
  const isNotYet = (name) => notYet.some((prefix) => name.startsWith(prefix))
  const broken = names.filter((name) => failing.has(name) && !isNotYet(name))
  const early = names.filter((name) => !failing.has(name) && isNotYet(name))
  const expected = names.filter((name) => failing.has(name) && isNotYet(name)).length
  const problems = [
    ...broken,
    ...early.map((name) => `${name} passes, but __test__/reference/not-yet.json still lists it`),
  ]
  const within = names.length - failing.size
  const loose = within > 0 && 2 * plain <= within
  if (loose) problems.push(`only ${plain} of ${within} cases hold the plain tolerance`)
  return {
    passed: names.length - expected - broken.length - early.length,
    failed: problems.length,
    notYet: expected,
    problems,
  }
}
