/** Whether the steps that pass roles may pass them, by the deployment's own configuration and by IAM's simulation. */
import { clusterArn, parseRoleArn } from '../arn.ts';
import { ownedOf, standaloneOf } from '../associations.ts';
import type { Check, PlannedAssociation, Rung } from '../model.ts';
import { POD_IDENTITY_PRINCIPAL } from '../policy/contexts.ts';
import { matchesWildcard } from '../policy/wildcard.ts';
import { isSpokeRole, SPOKE_STACK } from '../spokes.ts';
import { fail, pass, warn } from './check.ts';
import type { Facts, PassingFact, PassingStep } from './facts.ts';
import { isRecreate } from './ladder.ts';

/** The service that the add-on's IRSA role is passed to. */
const EKS_PRINCIPAL = 'eks.amazonaws.com';
const SOURCE = 'IAM User Guide, "Grant a user permissions to pass a role to an AWS service"';

interface Passed {
  arn: string;
  to: string;
  /** Empty, or that it is for the way back. */
  why: string;
}

/** Roles of associations that are there now: a rollback puts them back, with the add-on or by themselves. */
const rolesBefore = ({ associations }: Facts): string[] => associations.map((one) => one.roleArn);

/**
 * Each role of this account that is passed to each service: another account's is refused as such, and no right to pass
 * it would help.
 */
function passedRoles(facts: Facts, planned: readonly PlannedAssociation[]): Passed[] {
  const here = (arns: string[]): string[] =>
    [...new Set(arns)].filter((arn) => parseRoleArn(arn)?.account === facts.request.target.account);
  const there = here(planned.map((one) => one.roleArn));
  const back = here(rolesBefore(facts)).filter((arn) => !there.includes(arn));
  const irsa = facts.addon?.serviceAccountRoleArn;
  const { annotation } = facts.request;
  const annotated = annotation === 'remove' ? facts.serviceAccount?.roleArn : undefined;
  return [
    ...there.map((arn) => ({ arn, to: POD_IDENTITY_PRINCIPAL, why: '' })),
    ...back.map((arn) => ({ arn, to: POD_IDENTITY_PRINCIPAL, why: ' for the way back' })),
    ...(irsa === undefined ? [] : [{ arn: irsa, to: EKS_PRINCIPAL, why: ' for the way back' }]),
    ...(annotated === undefined || there.includes(annotated)
      ? []
      : [{ arn: annotated, to: 'pods by the annotation', why: ' for the way back' }]),
  ];
}

/** By the configuration: whether one of the ARN patterns covers that role. Case counts, as it does for IAM. */
export const isCovered = (patterns: readonly string[], arn: string): boolean =>
  parseRoleArn(arn) !== undefined && patterns.some((pattern) => matchesWildcard(pattern, arn));

const isPassable = ({ passableRoleArns }: Facts, arn: string): boolean => isCovered(passableRoleArns, arn);

/** What to ask IAM about: one call each. */
export interface PassingQuestion extends Pick<PassingFact, 'step' | 'service'> {
  roleArns: string[];
}

/**
 * The steps of these ways, and of the way back, with the roles that each would pass. Roles that the configuration
 * forbids already, and those that IAM does not have, are left out: they block without being asked about.
 */
export function passingQuestions(
  facts: Facts,
  planned: readonly PlannedAssociation[],
  ladder: readonly Rung[],
): PassingQuestion[] {
  if (ladder.length === 0) return [];
  const { addon, associations, roles } = facts;
  const asked = (arns: (string | undefined)[]): string[] =>
    [...new Set(arns)].filter(
      (arn): arn is string =>
        arn !== undefined && parseRoleArn(arn)?.account === facts.request.target.account && isPassable(facts, arn),
    );
  const rolesFor = (some: readonly PlannedAssociation[]): string[] =>
    asked(some.map((one) => one.roleArn).filter((arn) => roles[arn] !== undefined));
  const there = rolesFor(ownedOf(planned));
  const byItself = ladder.some(({ strategy }) => strategy === 'associate') ? there : rolesFor(standaloneOf(planned));
  // The add-on's own ones: EKS makes them again with it.
  const owned = asked(
    associations.filter((one) => one.ownerArn !== undefined && one.ownerArn === addon?.arn).map((one) => one.roleArn),
  );
  const questions: PassingQuestion[] = [
    { step: 'create-association', service: POD_IDENTITY_PRINCIPAL, roleArns: byItself },
    ...(ladder.some(({ strategy }) => strategy === 'in-place')
      ? [{ step: 'update-addon' as const, service: POD_IDENTITY_PRINCIPAL, roleArns: there }]
      : []),
    ...(ladder.some(isRecreate)
      ? [{ step: 'create-addon' as const, service: POD_IDENTITY_PRINCIPAL, roleArns: there }]
      : []),
    { step: 'restore-addon', service: EKS_PRINCIPAL, roleArns: asked([addon?.serviceAccountRoleArn]) },
    { step: 'restore-addon', service: POD_IDENTITY_PRINCIPAL, roleArns: owned },
  ];
  return questions.filter(({ roleArns }) => roleArns.length > 0);
}

const back = (step: PassingStep): string => (step === 'restore-addon' ? ' for the way back' : '');

interface Answered {
  denied: { question: PassingQuestion; principalArn: string; roleArns: string[] }[];
  /** Why some could not be told, each reason once. */
  untold: string[];
}

function answersOf({ passing }: Facts, questions: readonly PassingQuestion[]): Answered {
  const denied: Answered['denied'] = [];
  const untold = new Set<string>();
  for (const question of questions) {
    const fact = passing.find(({ step, service }) => step === question.step && service === question.service);
    const principalArn = fact?.principalArn;
    if (principalArn === undefined) {
      untold.add(`the deployment does not say which role ${question.step} has`);
      continue;
    }
    const refused = question.roleArns.filter((arn) => fact?.allowed[arn] === false);
    if (refused.length > 0) denied.push({ question, principalArn, roleArns: refused });
    if (question.roleArns.some((arn) => fact?.allowed[arn] === undefined))
      untold.add(fact?.error ?? `IAM did not answer for ${question.step}`);
  }
  return { denied, untold: [...untold] };
}

/** In another account the roles are those of a stack of its own. */
const whoGrants = (denied: Answered['denied']): string =>
  denied.some(({ principalArn }) => isSpokeRole(principalArn))
    ? `The stack ${SPOKE_STACK} of that account`
    : 'The deployment';

function checkSimulation(facts: Facts, questions: readonly PassingQuestion[], passed: string): Check {
  const { denied, untold } = answersOf(facts, questions);
  if (denied.length > 0) {
    const refusals = denied.map(
      ({ question, principalArn, roleArns }) =>
        `${principalArn} (${question.step}) pass ${roleArns.join(', ')} to ${question.service}${back(question.step)}`,
    );
    const services = [...new Set(denied.map(({ question }) => question.service))].join(' and ');
    return fail(
      'pass-role',
      `IAM does not let ${refusals.join(', nor ')}.`,
      `Let it pass them: iam:PassRole on ${[...new Set(denied.flatMap(({ roleArns }) => roleArns))].join(', ')} with iam:PassedToService ${services} and iam:AssociatedResourceArn ${clusterArn(facts.request.target)}. ${whoGrants(denied)} grants that for the CDK context passableRoleArns: look for a permissions boundary, a Deny, or a change by hand, and deploy again.`,
      SOURCE,
    );
  }
  if (untold.length > 0) {
    return warn(
      'pass-role',
      `${passed} by its configuration; whether IAM lets it can't be told beforehand: ${untold.join('; ').replace(/\.$/, '')}.`,
      'Nothing is known to be wrong. To have it told, deploy the service again, and let the role of its plan call iam:SimulatePrincipalPolicy.',
      SOURCE,
    );
  }
  return pass('pass-role', `${passed}.`);
}

/**
 * Whether the service may pass the planned roles to EKS Pod Identity, and back what was there: the add-on's IRSA role
 * to EKS, the roles of its associations. Source: EKS User Guide, "Assign IAM roles to add-ons"; IAM User Guide,
 * "iam:PassRole".
 */
export function checkPassRole(facts: Facts, planned: readonly PlannedAssociation[], ladder: readonly Rung[]): Check {
  const passed = passedRoles(facts, planned);
  const refused = passed.filter(({ arn }) => !isPassable(facts, arn));
  if (refused.length === 0) {
    return checkSimulation(
      facts,
      passingQuestions(facts, planned, ladder),
      `The service may pass ${passed.map(({ arn, to }) => `${arn} to ${to}`).join(' and ') || 'what it has to'}`,
    );
  }
  const arns = [...new Set(refused.map(({ arn }) => arn))].join(', ');
  return fail(
    'pass-role',
    `The service may not pass ${refused.map(({ arn, to, why }) => `${arn} to ${to}${why}`).join(', nor ')} (it may pass: ${facts.passableRoleArns.join(', ') || 'no role'}).`,
    `Add ${arns} to the CDK context passableRoleArns and deploy.`,
    SOURCE,
  );
}
