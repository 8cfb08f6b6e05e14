/** Asks IAM whether the steps may make the calls of a migration, before the first call is made. */
import { type Asking, type Call, callKey, keysOf, missedKeys } from '../../domain/plan/calls.ts';
import type { CallAnswer, Facts, RightsFact } from '../../domain/plan/facts.ts';
import { judgeByPolicies, type StepRoleFact } from '../../domain/plan/judgement.ts';
import {
  firstQuestions,
  isWhole,
  type OpenCall,
  type OpenQuestion,
  type Question,
  questionsAbout,
  whole,
  withMissing,
} from '../../domain/plan/questions.ts';
import { settingsFor } from '../../domain/access/spokes.ts';
import { asClause } from '../../domain/text/text.ts';
import type { ReadingPorts, Settings, SimulatedCall } from '../../ports/index.ts';
import { advisory } from './refused-reads.ts';
import { policyFact } from './read-roles.ts';

type Roles = ReadingPorts['roles'];

const sorted = (values: readonly string[]): string[] => [...new Set(values)].sort();

/** The simulation's result for a call: an answer, or the keys that the question must be repeated with. */
type Simulated = { answer: CallAnswer } | { missing: string[] };

function readAnswer({ keys }: OpenCall, found: SimulatedCall | undefined): Simulated {
  if (!found) return { answer: { decision: 'unknown', why: 'IAM did not answer for all calls' } };
  const { known, open } = missedKeys(found.missing, keys);
  if (known.length > 0) return { missing: known };
  if (open.length > 0)
    return {
      answer: {
        decision: 'unknown',
        why: `the policies of the role depend on ${open.join(', ')}, which is not known beforehand`,
      },
    };
  return {
    answer: found.allowed
      ? { decision: 'allowed' }
      : { decision: 'denied', ...(found.why === undefined ? {} : { why: found.why }) },
  };
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
  async answer({ call, principalArn, keys }: OpenCall, why: string): Promise<CallAnswer> {
    const policies = await this.policiesOf(principalArn);
    if ('error' in policies) return { decision: 'unknown', why: `${asClause(why)}; ${policies.error}` };
    const { action, resource } = call;
    const answer = judgeByPolicies(policies, { action, resource, lookUp: keys.lookUp });
    return answer.decision === 'unknown' ? { ...answer, why: `${asClause(why)}; ${answer.why ?? ''}` } : answer;
  }
}

/**
 * Asks IAM in rounds. The first question about a call has the keys that it shares with others. Its answer counts if it
 * depends on no other key: if IAM reports none of the call's keys as missing, and no policies take part whose keys IAM may
 * not report. Nor does a denial count, which stops a migration, before IAM has all keys of the call. If it does not count,
 * IAM is asked again with the missing keys or with all.
 */
class Asked {
  readonly answers: Record<string, CallAnswer> = {};
  private readonly roles: Roles;
  /** By role, why IAM may not be asked about it. */
  private readonly refused = new Map<string, string>();
  /** Roles with a permissions boundary. */
  private readonly bounded = new Set<string>();
  /** All roles are in one account, which is part of an organization if this is true. */
  private inOrganization = false;

  constructor(roles: Roles) {
    this.roles = roles;
  }

  async ask(open: readonly OpenCall[], asking: Asking): Promise<void> {
    const second: OpenQuestion[] = [];
    for (const question of firstQuestions(open, asking))
      second.push(
        ...(this.isLimited(question.principalArn)
          ? await this.askAll(questionsAbout(question.calls.map(whole)))
          : await this.askAll([question])),
      );
    const third = await this.askAll(questionsAbout(second));
    const never = await this.askAll(questionsAbout(third.map(({ one }) => ({ one, context: one.keys.known }))));
    for (const { one } of never)
      this.answers[one.key] = {
        decision: 'unknown',
        why: 'IAM did not accept the condition keys that it was given',
      };
  }

  private isLimited(principalArn: string): boolean {
    return this.inOrganization || this.bounded.has(principalArn);
  }

  /** Returns the calls that need another question, with its context. */
  private async askAll(questions: readonly Question[]): Promise<OpenQuestion[]> {
    const again: OpenQuestion[] = [];
    for (const question of questions) {
      const found = await this.simulate(question);
      for (const one of question.calls) {
        const next = this.judge(one, question, found);
        if (next) again.push(next);
      }
    }
    return again;
  }

  private judge(
    one: OpenCall,
    { principalArn, context }: Question,
    found: readonly SimulatedCall[] | string,
  ): OpenQuestion | undefined {
    if (typeof found === 'string') {
      this.answers[one.key] = { decision: 'unknown', why: found };
      return undefined;
    }
    if (this.isLimited(principalArn) && !isWhole(context, one)) return whole(one);
    const simulated = readAnswer(
      one,
      found.find(({ action, resource }) => action === one.call.action && resource === one.call.resource),
    );
    if ('missing' in simulated) return withMissing(one, context, simulated.missing);
    if (simulated.answer.decision === 'denied' && !isWhole(context, one)) return whole(one);
    this.answers[one.key] = simulated.answer;
    return undefined;
  }

  /** Returns the simulated calls, or as text why IAM may not be asked. */
  private async simulate({ principalArn, context, calls }: Question): Promise<SimulatedCall[] | string> {
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
    if ('error' in answer) {
      this.refused.set(principalArn, answer.error);
      return answer.error;
    }
    const limits = new Set(answer.seen.flatMap(({ limitedBy }) => limitedBy));
    if (limits.has('boundary')) this.bounded.add(principalArn);
    if (limits.has('organization')) this.inOrganization = true;
    return answer.seen;
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
  const open = calls.flatMap((call): OpenCall[] => {
    const principalArn = actingRoles[call.step];
    if (principalArn === undefined) return [];
    return [{ call, key: callKey(call), principalArn, keys: keysOf(call, principalArn, target) }];
  });
  const asked = new Asked(roles);
  await asked.ask(open, asking);
  const own = new OwnJudgement(roles);
  for (const one of open) {
    const answer = asked.answers[one.key];
    if (answer?.decision === 'unknown') asked.answers[one.key] = await own.answer(one, answer.why ?? '');
  }
  return { roles: actingRoles, answers: asked.answers };
}
