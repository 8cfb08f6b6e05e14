/** The settings that bound how much of the service is at work at once. */
import { z } from 'zod';
import { stepSchemas, type StepName } from '../lambdas/steps/schemas.ts';

/** A wait costs an execution and an item; the list of all is read in one page (`dynamo-waiting.ts`). */
const MOST_WAITING = 1000;
const COUNT = `must be a whole number from 1 to ${MOST_WAITING}`;
const count = (standard: number) => z.int(COUNT).min(1, COUNT).max(MOST_WAITING, COUNT).default(standard);

const STEPS = Object.keys(stepSchemas) as [StepName, ...StepName[]];
const STEP = 'must be the name of a step, such as api or plan: docs/permissions.md has all of them';
const EXECUTIONS = 'must be a whole number from 1 to 1000';

export const waiting = z
  .strictObject({
    perPrincipal: count(50).describe(
      'The most migrations of one principal that may wait at once, from 1 to 1000. All sessions of a role are one principal, and so are all requests whose requester was not authenticated.',
    ),
    perDeployment: count(200).describe('Most migrations that wait at once in all, from 1 to 1000.'),
  })
  .prefault({})
  .describe(
    'How many migrations may wait for an approval or a change window. Beyond that, the API refuses a request (429), and any other execution ends `blocked`.',
  );

const DAYS = 'must be a whole number of days from 0 to 365';

export const retirement = z
  .strictObject({
    leastSoakDays: z
      .int(DAYS)
      .min(0, DAYS)
      .max(365, DAYS)
      .default(0)
      .describe(
        'The least days (`soakDays`) between the end of a migration and the retirement of its OIDC trust, from 0 to 365. A request with fewer is refused, however it is started. With 0, the request decides.',
      ),
  })
  .prefault({})
  .describe('What a request to retire the OIDC trust must observe.');

export const reservedConcurrency = z
  .array(
    z.strictObject({
      step: z.enum(STEPS, STEP).describe('Name of the step, as in its Lambda.'),
      executions: z
        .int(EXECUTIONS)
        .min(1, EXECUTIONS)
        .max(1000, EXECUTIONS)
        .describe('How many executions are reserved for it, and the most that it may have at once.'),
    }),
  )
  .refine((all) => new Set(all.map(({ step }) => step)).size === all.length, 'names a step more than once')
  .default([])
  .describe(
    'Concurrent executions of the account that are reserved for Lambdas of the service. None by default: Lambda refuses a reservation that leaves an account less than 100, so the service could not be deployed to an account that is limited to ten. The setting `waiting` limits callers.',
  );
