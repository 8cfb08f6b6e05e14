/** IAM's simulation over the policy evaluator, with the policies of an organization, which the sandbox does not have. */
import {
  closedWorld,
  evaluate,
  type ParsedPolicy,
  parsePolicy,
  type PolicyRequest,
} from '../../../../lambdas/domain/policy/index.ts';
import type { SimulatedCall, SimulationQuestion } from '../../../../lambdas/ports/index.ts';

/** Which keys are reported as missing: see the knob `simulationMissingKeys` of the sandbox. */
export type Named = 'evaluated' | 'policies';

/** The policies that apply to a role. */
export interface Policies {
  own: ParsedPolicy;
  boundary?: ParsedPolicy;
  organization?: ParsedPolicy;
}

const allows = (policy: ParsedPolicy, request: PolicyRequest): boolean =>
  evaluate(policy, request).verdict === 'allowed';

const keysIn = (policy: ParsedPolicy): string[] =>
  policy.valid ? policy.statements.flatMap(({ conditions }) => conditions.map(({ key }) => key.toLowerCase())) : [];

/**
 * IAM's simulation. It reports the missing keys of a role's own policies, and none of those of a permissions boundary or
 * an organization.
 */
export const simulation =
  (policiesOf: (principalArn: string) => Policies, named: Named, onQuestion: () => void) =>
  async ({ principalArn, actions, resources, context }: SimulationQuestion): Promise<SimulatedCall[]> => {
    onQuestion();
    const { own, boundary, organization } = policiesOf(principalArn);
    const known = closedWorld(context);
    return actions.flatMap((action) =>
      resources.map((resource): SimulatedCall => {
        const missing = new Set(named === 'policies' ? keysIn(own).filter((key) => known(key).state === 'absent') : []);
        const lookUp: typeof known = (key) => {
          const state = known(key);
          if (state.state === 'absent') missing.add(key);
          return state;
        };
        const limits = [boundary ?? [], organization ?? []].flat();
        const isAllowed =
          allows(own, { action, resource, lookUp }) &&
          limits.every((limit) => allows(limit, { action, resource, lookUp: known }));
        return {
          action,
          resource,
          allowed: isAllowed,
          missing: [...missing],
          limitedBy: [...(boundary ? ['boundary' as const] : []), ...(organization ? ['organization' as const] : [])],
        };
      }),
    );
  };

export const policyOf = (...Statement: object[]): ParsedPolicy =>
  parsePolicy({ Version: '2012-10-17', Statement }, 'identity');
