/** Compiles programs of this repository ahead, so that the time to the first step and the memory hold no compiler. */
import { build } from 'esbuild'
import { root } from '../scripts/setup.mjs'

/** Compiles `entryPoints`, a list or names with paths, into `outdir` as NAME.mjs; packages, `rnnkit` among them, are imported as they are. */
export async function bundle(entryPoints, outdir) {
  await build({
    absWorkingDir: root,
    entryPoints,
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  })
}
