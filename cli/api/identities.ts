/** Reads the identities of a cluster's workloads through the API, page by page, with the service's own role. */
import { identitiesAnswer, type IdentitiesAnswer } from '../../lambdas/api/answers.ts';
import type { IdentitiesReport, Source } from '../../lambdas/domain/identities/model.ts';
import type { Target } from '../../lambdas/domain/terms/subject.ts';
import { CliError } from '../errors.ts';
import type { Ask } from './exchange.ts';
import { unreadable } from './problems.ts';

/** Rows per page: the maximum of the API. */
const PAGE = 100;
/** Far more pages than a cluster has: guards against an endless list. */
const MOST_PAGES = 1000;

type Workload = IdentitiesReport['workloads'][number];
type Counts = Partial<Record<Source, number>>;

const add = (counts: Counts, source: Source, n: number): void => void (counts[source] = (counts[source] ?? 0) + n);

/** Returns the totals, as in a report that is read at once. */
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

/** Returns the report. Throws a CliError for --roles, which the API does not support. */
export const identitiesByApi = async (
  ask: Ask,
  { account, region, cluster }: Target,
  { namespace, roles }: { namespace?: string | undefined; roles: boolean },
): Promise<IdentitiesReport> => {
  if (roles) {
    throw new CliError(
      'NotAvailable',
      "--roles reads all roles of the account, which the service's API does not do",
      'Omit it, or unset POD_IDENTITY_API_URL to read with your own credentials',
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
  // Each page is a separate read: what any of them could not read is unknown for the whole report.
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
