/** The pages that a run writes itself: an example's picture, its README's result, and the index of all. */
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Example } from './example.ts'
import { toSvg } from './picture.ts'
import { exampleNames, folderOf, loadExample, type Outcome } from './run-example.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Draws the picture into `models/`, which is no part of the sources, and says where it is. */
export async function drawAside({ name, picture }: Outcome): Promise<string> {
  const path = `models/${name}.svg`
  await mkdir(join(ROOT, 'models'), { recursive: true })
  await writeFile(join(ROOT, path), await toSvg(picture))
  return path
}

/** Puts the picture and the printed result into the example's folder, and its line into the index. */
export async function writePage(outcome: Outcome, command: string): Promise<void> {
  const folder = folderOf(outcome.name)
  const example = await loadExample(outcome.name)
  await writeFile(join(folder, 'figure.svg'), await toSvg(outcome.picture))
  await writeBlock(join(folder, 'README.md'), resultBlock(outcome, example, command), `# ${outcome.name}`)
  await writeBlock(join(dirname(folder), 'README.md'), await indexBlock(), '# The examples')
}

function resultBlock(
  { said, seconds, otherCores, ...outcome }: Outcome,
  { shows, figure }: Example,
  command: string,
): string {
  const machine = `${availableParallelism()} cores of ${cpus()[0]?.model ?? process.arch}, Node ${process.versions.node}`
  // a time is worth little where others had the machine too
  const others = otherCores < 0.1 ? '' : `, of which other work kept ${otherCores.toFixed(1)} busy`
  const on = outcome.text.files.length > 0 ? `, on ${outcome.text.name}` : ''
  const date = new Date().toISOString().slice(0, 10)
  return [
    `![${shows}](figure.svg)`,
    '',
    `${shows}.`,
    '',
    `\`${command}\`${on}, ${Math.round(seconds)} s on ${machine}${others}, ${date}:`,
    '',
    '````text',
    ...said.map((line) => line.trimEnd()),
    '````',
    '',
    `Held by the runner: ${figure}, here ${shown(outcome.figure)}${heldWithin(outcome)}.`,
    ...Object.keys(outcome.claims).map((claim) => `\nHeld too: ${claim}.`),
  ].join('\n')
}

function heldWithin({ range }: Pick<Outcome, 'range'>): string {
  return range === undefined ? '' : `, within ${shown(range.low)} to ${shown(range.high)} (${range.from})`
}

/** To four significant digits. */
export function shown(figure: number): string {
  return String(Number(figure.toPrecision(4)))
}

async function indexBlock(): Promise<string> {
  const names = exampleNames().filter((name) => existsSync(join(folderOf(name), 'figure.svg')))
  const rows = await Promise.all(
    names.map(async (name) => {
      const { what, shows } = await loadExample(name)
      return `| [\`${name}\`](${name}) | ${what} | [<img src="${name}/figure.svg" alt="${shows}" width="240">](${name}) |`
    }),
  )
  return ['| example | what it is | its picture |', '| --- | --- | --- |', ...rows].join('\n')
}

const MARKS = { begin: '<!-- written by --write: begin -->', end: '<!-- written by --write: end -->' }

/** Replaces what stands between the marks; a page without them gets them at its end, under `title` where there is no page. */
async function writeBlock(path: string, block: string, title: string): Promise<void> {
  const page = existsSync(path) ? await readFile(path, 'utf8') : `${title}\n`
  const marked = `${MARKS.begin}\n${block}\n${MARKS.end}`
  const begin = page.indexOf(MARKS.begin)
  const end = page.indexOf(MARKS.end)
  const whole = begin === -1 || end < begin
  const written = whole ? `${page}\n${marked}\n` : page.slice(0, begin) + marked + page.slice(end + MARKS.end.length)
  await writeFile(path, written)
}
