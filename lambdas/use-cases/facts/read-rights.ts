/** Asks IAM whether the steps may make the calls of a migration, before the first call is made. */
import {
  callKey,
  type Call,
  type Asking,
  firstKeys,
  keysOf,
  type CallKeys,
  missedKeys,
} from '../../domain/plan/calls.ts';
import type { CallAnswer, Facts, RightsFact } from '../../domain/plan/facts.ts';
import { judgeByPolicies, type StepRoleFact } from '../../domain/plan/judgement.ts';
import { settingsFor } from '../../domain/aws/spokes.ts';
import { asClause } from '../../domain/text/text.ts';
import type { ReadingPorts, Settings, SimulatedCall } from '../../ports/index.ts';
import { advisory } from './refused-reads.ts';
import { policyFact } from './read-roles.ts';

type Roles = ReadingPorts['roles'];

/** A call, with the condition keys that IAM needs to evaluate it. */
interface Open {
  call: Call;
  key: string;
  principalArn: string;
  keys: CallKeys;
}

/** The subject of one question: calls of one role with the same condition keys. */
interface Question {
  principalArn: string;
  context: CallKeys['known'];
  calls: Open[];
}

const sorted = (values: readonly string[]): string[] => [...new Set(values)].sort();

/** Groups the calls into as few questions as there are roles and contexts. */
function questionsAbout(open: readonly Open[], contextOf: (one: Open) => CallKeys['known']): Question[] {
  const questions = new Map<string, Question>();
  for (const one of open) {
    const context = contextOf(one);
    const key = JSON.stringify([one.principalArn, Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1))]);
    const found = questions.get(key) ?? { principalArn: one.principalArn, context, calls: [] };
    found.calls.push(one);
    questions.set(key, found);
  }
  return [...questions.values()];
}

/** The simulation's result for a call: an answer, or `again` if the question must be repeated with more keys. */
type Simulated = CallAnswer | 'again';

function readAnswer({ keys }: Open, found: SimulatedCall | undefined): Simulated {
  if (!found) return { decision: 'unknown', why: 'IAM did not answer for all calls' };
  const { known, open } = missedKeys(found.missing, keys);
  if (known.length > 0) return 'again';
  if (open.length > 0)
    return {
      decision: 'unknown',
      why: `the policies of the role depend on ${open.join(', ')}, which is not known beforehand`,
    };
  return found.allowed
    ? { decision: 'allowed' }
    : { decision: 'denied', ...(found.why === undefined ? {} : { why: found.why }) };
}

/** Evaluates the policies of a role, each read once, and only if the simulation could not answer. */
class OwnJudgement {
  private readonly roles: Roles;
  private readonly known = new Map<string, StepRoleFact | { error: string }>();

  constructor(roles: Roles) {
    this.roles = roles;
  }

  private async policiesOf(arn: string): Promise<StepRoleFact | { error: string }> {
    const known = this.known.get(arn);
    if (known) return known;
    const identity = await advisory(() => this.roles.listPolicies(arn));
    const boundary = 'seen' in identity ? await advisory(() => this.roles.getBoundary(arn)) : identity;
    const found =
      'seen' in identity && 'seen' in boundary
        ? {
            identity: identity.seen.map(policyFact),
            ...(boundary.seen ? { boundary: policyFact(boundary.seen) } : {}),
          }
        : { error: 'error' in boundary ? boundary.error : '' };
    this.known.set(arn, found);
    return found;
  }

  /** `why` is the simulation's reason for not answering. */
  async answer({ call, principalArn, keys }: Open, why: string): Promise<CallAnswer> {
    const policies = await this.policiesOf(principalArn);
    if ('error' in policies) return { decision: 'unknown', why: `${asClause(why)}; ${policies.error}` };
    const { action, resource } = call;
    const answer = judgeByPolicies(policies, { action, resource, lookUp: keys.lookUp });
    return answer.decision === 'unknown' ? { ...answer, why: `${asClause(why)}; ${answer.why ?? ''}` } : answer;
  }
}

class Asked {
  readonly answers: Record<string, CallAnswer> = {};
  private readonly roles: Roles;
  /** By role, why IAM may not be asked about it. */
  private readonly refused = new Map<string, string>();

  constructor(roles: Roles) {
    this.roles = roles;
  }

  /** Returns the calls that need another question. */
  async ask(questions: readonly Question[]): Promise<Open[]> {
    const again: Open[] = [];
    for (const { principalArn, context, calls } of questions) {
      const found = await this.simulate(principalArn, context, calls);
      for (const one of calls) {
        const answer =
          typeof found === 'string'
            ? ({ decision: 'unknown', why: found } as const)
            : readAnswer(
                one,
                found.find(({ action, resource }) => action === one.call.action && resource === one.call.resource),
              );
        if (answer === 'again') again.push(one);
        else this.answers[one.key] = answer;
      }
    }
    return again;
  }

  /** Returns the simulated calls, or as text why IAM may not be asked. */
  private async simulate(
    principalArn: string,
    context: CallKeys['known'],
    calls: readonly Open[],
  ): Promise<SimulatedCall[] | string> {
    const refused = this.refused.get(principalArn);
    if (refused !== undefined) return refused;
    const answer = await advisory(() =>
      this.roles.simulate({
        principalArn,
        actions: sorted(calls.map(({ call }) => call.action)),
        resources: sorted(calls.map(({ call }) => call.resource)),
        context,
      }),
    );
    if ('seen' in answer) return answer.seen;
    this.refused.set(principalArn, answer.error);
    return answer.error;
  }
}

/** Returns the roles of the steps that make these calls, and the answer to each call of a step whose role is known. */
export async function readRights(
  roles: Roles,
  { request: { target } }: Pick<Facts, 'request'>,
  calls: readonly Call[],
  { settings, asking }: { settings: Settings; asking: Asking },
): Promise<RightsFact> {
  const { actingRoles } = settingsFor(settings, target);
  const open = calls.flatMap((call): Open[] => {
    const principalArn = actingRoles[call.step];
    if (principalArn === undefined) return [];
    return [{ call, key: callKey(call), principalArn, keys: keysOf(call, principalArn, target) }];
  });
  const asked = new Asked(roles);
  const again = await asked.ask(questionsAbout(open, ({ keys }) => firstKeys(keys, asking)));
  const never = await asked.ask(questionsAbout(again, ({ keys }) => keys.known));
  for (const { key } of never)
    asked.answers[key] = { decision: 'unknown', why: 'IAM did not accept the condition keys that it was given' };
  const own = new OwnJudgement(roles);
  for (const one of open) {
    const answer = asked.answers[one.key];
    if (answer?.decision === 'unknown') asked.answers[one.key] = await own.answer(one, answer.why ?? '');
  }
  return { roles: actingRoles, answers: asked.answers };
}
