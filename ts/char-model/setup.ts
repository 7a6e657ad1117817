/** What the engine is told of a recipe once. */
import type { Setup } from '../native/engine-session.ts'
import type { Recipe } from '../options/training.ts'

export function setupOf(recipe: Recipe): Setup {
  return { optimizer: recipe.optimizer.spec, clip: recipe.clip, seed: recipe.seed }
}
