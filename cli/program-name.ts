/** How messages and examples name the program. In the published package, `program-name.packed.ts` takes this file's place. */

/** The command that runs the program from a checkout. */
export const PROGRAM = 'npm run --silent pod-identity --';
/** The example scenario, as the examples name it. */
export const EXAMPLE_SCENARIO = 'sandbox/scenarios/ebs-csi-irsa.json';
/** The example scenario with a workload of the user's own. */
export const WORKLOAD_SCENARIO = 'sandbox/scenarios/service-account-irsa.json';
