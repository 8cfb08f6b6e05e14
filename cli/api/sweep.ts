/** Sweeps through the service's API: its routes are the only permission needed, except to read a report in S3. */
import { randomUUID } from 'node:crypto';
import {
  sweepAccepted,
  type SweepActionAnswer,
  sweepActionAnswer,
  sweepAnswer,
  type SweepAnswer,
  sweepListAnswer,
} from '../../lambdas/api/answers.ts';
import type { SweepFilter } from '../../lambdas/domain/overview/listing.ts';
import type { SweepStanding } from '../../lambdas/domain/sweep/standing.ts';
import type { Clock, Documents } from '../../lambdas/ports/index.ts';
import { type Ask, timesOf } from './exchange.ts';
import { unreadable } from './problems.ts';
import { sweepService, type SweepService } from '../service/sweep-service.ts';
import type { ListedSweeps } from '../service/sweep-calls.ts';

/** Sweeps per page: the maximum of the API. */
const PAGE = 100;
/** Far more pages than there can be: guards against an endless list. */
const MOST_PAGES = 1000;

export interface ApiSweepsOptions {
  ask: Ask;
  clock: Clock;
  /** Returns the objects of a bucket, with the caller's own permissions. */
  documentsIn: (bucket: string) => Pick<Documents, 'get'>;
}

const standing = ({ links: _links, ...answer }: SweepAnswer): SweepStanding => answer;
const standingAfter = ({ action: _action, first: _first, ...answer }: SweepActionAnswer): SweepStanding =>
  standing(answer);

const list = async (ask: Ask, { status, ...times }: SweepFilter, limit: number): Promise<ListedSweeps> => {
  const sweeps: ListedSweeps['sweeps'] = [];
  let next: string | undefined;
  let pages = 0;
  do {
    pages += 1;
    if (pages > MOST_PAGES) throw unreadable('GET /sweeps', `it has more than ${MOST_PAGES} pages`);
    const { value } = await ask({
      method: 'GET',
      path: '/sweeps',
      query: { status, ...timesOf(times), limit: String(Math.min(PAGE, limit - sweeps.length)), next },
      answer: sweepListAnswer,
    });
    sweeps.push(...value.sweeps.map(({ links: _links, ...summary }) => summary));
    next = value.next;
  } while (next !== undefined && sweeps.length < limit);
  return { sweeps: sweeps.slice(0, limit), more: next !== undefined };
};

export const apiSweeps = ({ ask, clock, documentsIn }: ApiSweepsOptions): SweepService =>
  sweepService(
    {
      async start({ requestedBy: _requestedBy, ...body }, onStart) {
        // One key for this command, so that a request repeated after a lost answer starts no second sweep.
        const { value } = await ask({
          method: 'POST',
          path: '/sweeps',
          body,
          idempotencyKey: randomUUID(),
          answer: sweepAccepted,
        });
        onStart(value.sweepId);
      },
      show: async (sweepId) =>
        standing((await ask({ method: 'GET', path: `/sweeps/${sweepId}`, answer: sweepAnswer })).value),
      locations: () => Promise.resolve(undefined),
      list: (filter, limit) => list(ask, filter, limit),
      command: async (sweepId, { command, reason }) =>
        standingAfter(
          (
            await ask({
              method: 'POST',
              path: `/sweeps/${sweepId}/${command}`,
              body: reason === undefined ? {} : { reason },
              answer: sweepActionAnswer,
            })
          ).value,
        ),
      read: (bucket, key) => documentsIn(bucket).get(key),
    },
    clock,
  );
