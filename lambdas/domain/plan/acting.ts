/**
 * The steps that change something in EKS, and the environment variables with their roles: the plan asks IAM in advance
 * whether each role may make its step's calls.
 */

/** The environment variable of the planning functions, by step, that has the ARN of the step's role. */
export const ROLE_VARIABLES = {
  'install-agent': 'INSTALL_AGENT_ROLE_ARN',
  'delete-addon': 'DELETE_ADDON_ROLE_ARN',
  'create-addon': 'CREATE_ADDON_ROLE_ARN',
  'update-addon': 'UPDATE_ADDON_ROLE_ARN',
  'create-association': 'CREATE_ASSOCIATION_ROLE_ARN',
  'carry-over': 'CARRY_OVER_ROLE_ARN',
  'restore-addon': 'RESTORE_ADDON_ROLE_ARN',
  'restore-associations': 'RESTORE_ASSOCIATIONS_ROLE_ARN',
} as const;

/** A step whose calls change something in EKS. */
export type ActingStep = keyof typeof ROLE_VARIABLES;
export const ACTING_STEPS = Object.keys(ROLE_VARIABLES) as ActingStep[];
export type RoleVariable = (typeof ROLE_VARIABLES)[ActingStep];

/** Returns values by variable, from values by step. */
export const byVariable = <Value>(valueOf: (step: ActingStep) => Value): Record<RoleVariable, Value> =>
  Object.fromEntries(ACTING_STEPS.map((step) => [ROLE_VARIABLES[step], valueOf(step)])) as Record<RoleVariable, Value>;
