/** Which identity the workloads of one cluster have, as the service's own role sees it: by the API, page by page. */
import { identitiesAnswer, type IdentitiesAnswer } from '../../lambdas/api/answers.ts';
import type { IdentitiesReport, Source } from '../../lambdas/domain/identities/model.ts';
import type { Target } from '../../lambdas/domain/migration/model.ts';
import { CliError } from '../errors.ts';
import type { Ask } from './exchange.ts';
import { unreadable } from './problems.ts';

/** Rows of one page: the most that the API gives. */
const PAGE = 100;
/** Far more than a cluster has: whoever gives more gives no end. */
const MOST_PAGES = 1000;

type Workload = IdentitiesReport['workloads'][number];
type Counts = Partial<Record<Source, number>>;

const add = (counts: Counts, source: Source, n: number): void => void (counts[source] = (counts[source] ?? 0) + n);

/** As a report of one look has them. */
const totalsOf = (workloads: readonly Workload[]): IdentitiesReport['totals'] => {
  const [byWorkloads, byPods]: [Counts, Counts] = [{}, {}];
  for (const { identity, pods } of workloads) {
    add(byWorkloads, identity, 1);
    for (const [source, n] of Object.entries(pods.by)) add(byPods, source as Source, n);
  }
  return {
    workloads: workloads.length,
    pods: workloads.reduce((n, { pods }) => n + pods.total, 0),
    byWorkloads,
    byPods,
  };
};

/** Throws a CliError for --roles, which the API does not look at. */
export const identitiesByApi = async (
  ask: Ask,
  { account, region, cluster }: Target,
  { namespace, roles }: { namespace?: string | undefined; roles: boolean },
): Promise<IdentitiesReport> => {
  if (roles) {
    throw new CliError(
      'NotAvailable',
      "--roles looks through the roles of the account, and the service's API does not",
      'Leave it out, or look with your own credentials: leave POD_IDENTITY_API_URL out of the environment',
    );
  }
  const pages: IdentitiesAnswer[] = [];
  let next: string | undefined;
  do {
    const path = `/clusters/${encodeURIComponent(cluster)}/identities`;
    const { value } = await ask({
      method: 'GET',
      path,
      query: { account, region, limit: String(PAGE), next },
      answer: identitiesAnswer,
    });
    pages.push(value);
    next = value.next;
    if (pages.length > MOST_PAGES) throw unreadable(`GET ${path}`, `it has more than ${MOST_PAGES} pages`);
  } while (next !== undefined);
  const last = pages.at(-1);
  if (!last) throw new Error('There is a page.');
  const workloads = pages
    .flatMap((page) => page.workloads)
    .filter((one) => namespace === undefined || one.namespace === namespace);
  const { target, takenAt, cluster: about, agent } = last;
  // Each page has looked anew: what any of them could not read is not known of the whole.
  const unread = [...new Map(pages.flatMap((page) => page.unread).map((one) => [one.what, one])).values()];
  return {
    target,
    takenAt,
    ...(namespace === undefined ? {} : { namespace }),
    cluster: about,
    agent,
    workloads,
    totals: totalsOf(workloads),
    unread,
  };
};
