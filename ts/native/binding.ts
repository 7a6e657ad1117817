/** Loads the native addon: the one module that imports it. */
import { createRequire } from 'node:module'
import type * as Addon from '../../native/index.cjs'
import { RnnKitError } from '../errors.ts'

// The package's own names for its files, so that it does not matter where this module comes to lie.
const packageRequire = createRequire(import.meta.url)

/** The addon's exports, of the package's own version. */
export const binding: typeof Addon = load()

function load(): typeof Addon {
  const { version } = packageRequire('#package') as { version: string }
  const addon = loadAddon()
  const found = addon.version()
  if (found === version) return addon
  throw new RnnKitError({
    code: 'ERR_NATIVE_VERSION',
    message: `the native addon is version ${found} and the package ${version}: install the package again, or run 'npm run build' in a clone of its repository`,
    field: 'version',
    value: found,
  })
}

function loadAddon(): typeof Addon {
  try {
    return packageRequire('#native') as typeof Addon
  } catch (cause) {
    const platform = `${process.platform}-${process.arch}`
    throw new RnnKitError({
      code: 'ERR_NATIVE_MISSING',
      message: `the native addon for ${platform} cannot be loaded: install the package with its optional dependencies, among them @rnnkit/native-${platform}…, or run 'npm run build' in a clone of its repository`,
      field: 'platform',
      value: platform,
      cause,
    })
  }
}
