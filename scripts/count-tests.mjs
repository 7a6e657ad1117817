/** Reads how many tests ran out of what the test programs print. */
import { stripVTControlCharacters } from 'node:util'

/** What a test prints that could not run and so did nothing, and why. */
const SKIPPED = /\bskipped: (no GPU adapter.*)$/gm

/** Why tests were skipped, in the words of those that said so; each reason once. */
export function skipReasons(output) {
  return [...new Set([...stripVTControlCharacters(output).matchAll(SKIPPED)].map(([, reason]) => reason))]
}

/** Each takes a program's whole output and gives back { passed, failed, ignored }. */
export const countTests = {
  /**
   * One `test result: ok. 12 passed; 0 failed; 1 ignored; …` for each test program. Rust decides what to ignore when it compiles, so a
   * test that finds no GPU prints `skipped: no GPU adapter …` and passes; it counts as ignored.
   */
  cargo(output) {
    const total = { passed: 0, failed: 0, ignored: 0 }
    const results = stripVTControlCharacters(output).matchAll(
      /^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored/gm,
    )
    for (const [, passed, failed, ignored] of results) {
      total.passed += Number(passed)
      total.failed += Number(failed)
      total.ignored += Number(ignored)
    }
    const skipped = Math.min(total.passed, [...stripVTControlCharacters(output).matchAll(SKIPPED)].length)
    return { ...total, passed: total.passed - skipped, ignored: total.ignored + skipped }
  },

  /** The closing lines `12 tests passed`, `1 test failed`, `1 uncaught exception`, `2 tests skipped` … */
  ava(output) {
    const text = stripVTControlCharacters(output)
    const count = (pattern) => {
      const found = [...text.matchAll(pattern)].at(-1)
      return found === undefined ? 0 : Number(found[1])
    }
    return {
      passed: count(/^\s*(\d+) tests? passed\b/gm),
      failed:
        count(/^\s*(\d+) tests? failed\b/gm) +
        count(/^\s*(\d+) hooks? failed\b/gm) +
        count(/^\s*(\d+) uncaught exceptions?\b/gm) +
        count(/^\s*(\d+) unhandled rejections?\b/gm) +
        count(/^\s*(\d+) tests? (?:remained pending|timed out)\b/gm),
      ignored: count(/^\s*(\d+) tests? skipped\b/gm) + count(/^\s*(\d+) tests? todo\b/gm),
    }
  },

  /** The last line `cpu: 12 passed, 0 failed, 0 skipped` of the reference cases. */
  reference(output) {
    const lines = stripVTControlCharacters(output).matchAll(/^\w+: (\d+) passed, (\d+) failed, (\d+) skipped$/gm)
    const [, passed = 0, failed = 0, ignored = 0] = [...lines].at(-1) ?? []
    return { passed: Number(passed), failed: Number(failed), ignored: Number(ignored) }
  },
}
