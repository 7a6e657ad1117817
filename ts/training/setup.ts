/** What the engine is told of a recipe once. */
import type { Setup } from '../native/engine-session.ts'
import type { AnyRecipe } from './model-parts.ts'

export function setupOf(recipe: AnyRecipe): Setup {
  return { optimizer: recipe.optimizer.spec, clip: recipe.clip, seed: recipe.seed }
}
