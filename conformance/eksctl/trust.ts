/** What a migration did to the trust policies of roles. Pure. */
import { isDeepStrictEqual } from 'node:util';

/** The trust policies, by the role's ARN. */
export type TrustPolicies = ReadonlyMap<string, string>;

export interface TrustEnd {
  role: string;
  /** Statements that trust an OIDC provider, before and after. */
  oidc: [before: number, after: number];
  /** Statements that trust EKS Pod Identity, before and after. */
  pods: [before: number, after: number];
  /** Statements that are there more than once in the end, and were not before. */
  doubled: number;
}

type Statement = Record<string, unknown>;
const PODS = 'pods.eks.amazonaws.com';

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : value === undefined ? [] : [value]);

const statementsOf = (policy: string | undefined): Statement[] =>
  policy === undefined ? [] : (listOf((JSON.parse(policy) as Statement)['Statement']) as Statement[]);

const principalsOf = ({ Principal }: Statement, type: string): string[] =>
  typeof Principal === 'object' && Principal !== null
    ? listOf((Principal as Statement)[type]).filter((one): one is string => typeof one === 'string')
    : [];

const trustsOidc = (one: Statement): boolean =>
  one['Effect'] === 'Allow' && principalsOf(one, 'Federated').some((arn) => arn.includes(':oidc-provider/'));
const trustsPods = (one: Statement): boolean =>
  one['Effect'] === 'Allow' && principalsOf(one, 'Service').includes(PODS);

const withoutSid = (one: Statement): Statement => ({ ...one, Sid: undefined });
/** Returns how many of the statements repeat another one, whatever they are called. */
const repeatsIn = (statements: readonly Statement[]): number =>
  statements
    .map(withoutSid)
    .filter((one, index, all) => all.slice(0, index).some((other) => isDeepStrictEqual(one, other))).length;

/** Returns the roles whose trust policy is another one in the end. */
export const trustEnds = (before: TrustPolicies, after: TrustPolicies): TrustEnd[] =>
  [...after].flatMap(([role, policy]): TrustEnd[] => {
    const old = before.get(role);
    if (old === policy) return [];
    const [was, is] = [statementsOf(old), statementsOf(policy)];
    const count = (which: (one: Statement) => boolean): [number, number] => [
      was.filter(which).length,
      is.filter(which).length,
    ];
    return [
      { role, oidc: count(trustsOidc), pods: count(trustsPods), doubled: Math.max(0, repeatsIn(is) - repeatsIn(was)) },
    ];
  });

/** Returns how many statements that trust an OIDC provider are gone. */
export const lostOidc = (ends: readonly TrustEnd[]): number =>
  ends.reduce((sum, { oidc: [before, after] }) => sum + Math.max(0, before - after), 0);
