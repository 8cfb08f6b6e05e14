/** Recognises how the published package was started, so that the commands that it prints can be pasted. */

const PACKAGE = 'eks-pod-identity-migrator';

/**
 * Returns the command that runs the program again. npm sets `npm_lifecycle_event` for everything that it starts: `npx`
 * for `npx` and `npm exec`, and otherwise the name of the script. `npm_package_name` is that of the package in the
 * working directory. Other programs that run packages set neither, and have the command in their PATH.
 */
export const programOf = (environment: Record<string, string | undefined>): string => {
  const { npm_command: command, npm_lifecycle_event: event, npm_package_name: name } = environment;
  if (command === 'exec' && event === 'npx') return `npx ${PACKAGE}`;
  // A checkout of the project, on a Node that does not run its sources.
  if (name === PACKAGE && (event === 'pod-identity' || event === 'demo')) return 'npm run --silent pod-identity --';
  return 'pod-identity';
};
