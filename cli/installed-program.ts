/** Recognises how the published package was started, so that the commands that it prints can be pasted. */

/** The package, and the command by which `npx` finds it. */
const PACKAGE = 'eks-pod-identity-migrator';

/**
 * Returns the command that runs the program again. npm sets `npm_command` and `npm_lifecycle_event` for everything that
 * it starts: `exec` and `npx` for `npx` and `npm exec`, and the script's name for a script. A command that a script or
 * `npx` starts inherits them, so the package's name is compared as well where npm sets it.
 */
export const programOf = (environment: Record<string, string | undefined>): string => {
  const { npm_command: command, npm_lifecycle_event: event, npm_package_name: name } = environment;
  // From a checkout of the project, with a Node that does not run TypeScript.
  if (command === 'run-script' && name === PACKAGE && (event === 'pod-identity' || event === 'demo'))
    return 'npm run --silent pod-identity --';
  if (command === 'exec' && event === 'npx') return `npx ${PACKAGE}`;
  return 'pod-identity';
};
