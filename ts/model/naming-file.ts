/** Errors of reading and writing a model's file, which name it. */
import { isRnnKitError, RnnKitError } from '../errors.ts'

/** Runs a task; the message of an ERR_CHECKPOINT_… begins with the path, and one of the file as a whole has it as its value. */
export async function namingFile<T>(path: string, task: () => Promise<T>): Promise<T> {
  try {
    return await task()
  } catch (error) {
    throw isRnnKitError(error) && error.code.startsWith('ERR_CHECKPOINT_') ? named(path, error) : error
  }
}

function named(path: string, error: RnnKitError): RnnKitError {
  const { code, message, field, value, position, cause } = error
  // The engine names some by the path already, and others no closer than as a file.
  const known = [path, 'file'].find((prefix) => message.startsWith(`${prefix}: `))
  const problem = known === undefined ? message : message.slice(known.length + 2)
  const whole = code === 'ERR_CHECKPOINT_FILE' || code === 'ERR_CHECKPOINT_WRITE'
  const place = whole ? { field: 'path', value: path } : { field, value }
  return new RnnKitError({ code, message: `${path}: ${problem}`, ...place, position, cause })
}
