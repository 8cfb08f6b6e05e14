/**
 * What nobody knows of AWS, and each grant is for one of: the resource that a create with tags is asked about, and the
 * service that a role for pods is passed to (`tagOnCreate` and `passedToService`). The other runs are with the defaults;
 * these are a few of them again, so that every way that is not the default is gone.
 */
import type { Knobs } from '../../sandbox/scenario/scenario.ts';
import { MIGRATED, type Run } from './follow.ts';
import { RUNS } from './runs.ts';

const runOf = (name: string): Run => {
  const found = RUNS.find((run) => run.name === name);
  if (!found) throw new Error(`No run is called ${name}.`);
  return found;
};

const TAGGED_ADDON = runOf('reply to the create lost');
const PUT_BACK = runOf('create refused for good, created again as it was');
const SERVICE_ACCOUNT = runOf(
  'a service account whose annotation goes, the reply to its association lost, rolled back on demand',
);
const LEFT_OVER = runOf('the same where EKS asks for the right to pass the role each time');

const withKnobs = (run: Run, title: string, knobs: Pick<Partial<Knobs>, 'tagOnCreate' | 'passedToService'>): Run => ({
  ...run,
  name: `${title}: ${Object.entries(knobs)
    .map(([knob, value]) => `${knob} ${value}`)
    .join(', ')}`,
  knobs: { ...run.knobs, ...knobs },
});

export const WAYS: readonly Run[] = [
  { tagOnCreate: 'addon', passedToService: 'eks.amazonaws.com' } as const,
  { tagOnCreate: 'createaddon' } as const,
].flatMap((knobs) => [
  withKnobs(TAGGED_ADDON, 'a tagged add-on is created again', knobs),
  withKnobs(PUT_BACK, 'a tagged add-on is put back', knobs),
  withKnobs({ ...SERVICE_ACCOUNT, ends: [MIGRATED], rollBack: false }, 'a service account is associated', knobs),
  withKnobs(LEFT_OVER, 'a tagged association is made again', knobs),
]);
