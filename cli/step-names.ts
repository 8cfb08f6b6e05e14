import { type StepName, stepSchemas } from '../lambdas/steps/schemas.ts';

const TITLES: Record<StepName, string> = {
  plan: 'Check everything and make the plan',
  begin: 'Take the lock and store the snapshot',
  'delete-addon': 'Delete the add-on',
  'await-deleted': 'Wait until the add-on is gone',
  'purge-associations': 'Remove the associations that stand in the way',
  'create-addon': 'Create the add-on with its Pod Identity associations',
  'await-active': 'Wait until the add-on is ACTIVE',
  'verify-pods': 'Look at the pods: how do they get their credentials?',
  'restart-pods': 'Restart the pods that kept their old identity',
  restore: 'Put back what was there before',
  finish: 'Write the report and release the lock',
};

const isStepName = (name: string): name is StepName => Object.hasOwn(stepSchemas, name);

/** The name under which a person reads a step; `verify-pods-2` is the second round of `verify-pods`. */
export const stepTitle = (name: string): string => {
  if (isStepName(name)) return TITLES[name];
  const [, base = '', round = ''] = /^(.*)-(\d+)$/.exec(name) ?? [];
  return isStepName(base) ? `${TITLES[base]} (round ${round})` : name;
};

const ROAD = Object.keys(stepSchemas);

/** Its place on the road, for steps that began in the same instant. */
export const stepOrder = (name: string): number => {
  const exact = ROAD.indexOf(name);
  return exact === -1 ? ROAD.indexOf(name.replace(/-\d+$/, '')) : exact;
};

const pascalCase = (name: string): string => name.replaceAll(/(^|-)([a-z])/g, (_match, _dash, letter: string) => letter.toUpperCase());

/** Names of the states that `lib/migration` makes: a step's own, those that record an end, and the waits in front of polls. */
const BY_STATE = new Map<string, StepName>([
  ...(Object.keys(stepSchemas) as StepName[]).map((name) => [pascalCase(name), name] as const),
  ['RecordMigrated', 'finish'],
  ['RecordBlocked', 'finish'],
  ['RecordRolledBack', 'finish'],
  ['RecordNeedsHuman', 'finish'],
  ['WaitForDeletion', 'await-deleted'],
  ['WaitForCreation', 'await-active'],
  ['WaitForRollout', 'verify-pods'],
]);

/** The step that a state belongs to; none for a choice or an end. */
export const stepOfState = (state: string): StepName | undefined => BY_STATE.get(state);
