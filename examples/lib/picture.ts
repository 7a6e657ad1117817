/** Pictures as SVG, drawn by vega-lite without a browser. */
import * as vega from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'

/** Any vega-lite specification; `lines`, `bars` and `beside` make the usual ones. */
export type Picture = Omit<TopLevelSpec, '$schema'>

export interface Axis {
  title: string
  /** @default 'linear' */
  scale?: 'linear' | 'log'
}

export interface Chart {
  title: string
  x: Axis | string
  y: Axis | string
}

/** Curves, one for each name. */
export type Series = Readonly<Record<string, readonly (readonly [x: number, y: number])[]>>

const SIZE = { width: 420, height: 260 }
const LOOK = { background: 'white', padding: 12, config: { font: 'sans-serif', view: { stroke: null } } }

/** Curves over a common axis, told apart by colour; their names stand in a legend where there are several. */
export function lines({ title, x, y }: Chart, series: Series): Picture {
  const names = Object.keys(series)
  const values = names.flatMap((name) => series[name]!.map(([x, y]) => ({ name, x, y })))
  const legend = names.length > 1 ? {} : { legend: null }
  return {
    title,
    ...SIZE,
    data: { values },
    mark: { type: 'line', clip: true },
    encoding: {
      x: { field: 'x', type: 'quantitative', ...axis(x), scale: { ...axis(x).scale, nice: false } },
      y: { field: 'y', type: 'quantitative', ...axis(y) },
      color: { field: 'name', type: 'nominal', title: null, sort: names, ...legend },
    },
  } as Picture
}

/** One bar for each name, in the order given. */
export function bars(
  { title, x, y }: Record<'title' | 'x' | 'y', string>,
  heights: Readonly<Record<string, number>>,
): Picture {
  const values = Object.entries(heights).map(([name, height]) => ({ name, height }))
  return {
    title,
    ...SIZE,
    width: { step: 48 },
    data: { values },
    mark: 'bar',
    encoding: {
      x: { field: 'name', type: 'nominal', sort: null, title: x, axis: { labelAngle: 0 } },
      // a bar's length says how much, so it begins at zero
      y: { field: 'height', type: 'quantitative', title: y },
    },
  } as Picture
}

/** Two or more pictures side by side, each with its own axes. */
export function beside(...pictures: readonly Picture[]): Picture {
  return { hconcat: pictures, spacing: 40, resolve: { scale: { color: 'independent' } } } as Picture
}

/** The picture as the text of an SVG file. */
export async function toSvg(picture: Picture): Promise<string> {
  const { spec } = compile({ ...LOOK, ...picture } as unknown as TopLevelSpec)
  const view = new vega.View(vega.parse(spec), { renderer: 'none' })
  try {
    return await view.toSVG()
  } finally {
    view.finalize()
  }
}

function axis(given: Axis | string): { title: string; scale: object } {
  const { title, scale = 'linear' } = typeof given === 'string' ? { title: given } : given
  // a logarithm has no zero to begin at, and rounding its ends outwards leaves most of the picture empty
  return { title, scale: scale === 'log' ? { type: 'log', nice: false } : { type: 'linear', zero: false } }
}
