/** Node runs TypeScript since 22.18, but the sources use built-ins of Node 24. */
const OLDEST = 24;

/** Whether this Node runs the project's sources as they are. */
export const runsSources =
  Number(process.versions.node.split('.')[0]) >= OLDEST && process.features.typescript !== false;
