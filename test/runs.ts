/**
 * Returns the number of runs of a property: `usual`, or `thorough` in CI, where the project `grids` of Vitest runs each
 * file that imports this a second time, with THOROUGH set.
 */
export const runs = (usual: number, thorough: number): number =>
  process.env['THOROUGH'] === undefined ? usual : thorough;
