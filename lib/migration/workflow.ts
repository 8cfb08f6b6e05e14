import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import type { Endings } from './endings.ts';
import type { firstPollsOf } from '../../lambdas/domain/waiting/first-polls.ts';
import { heldErrors, type StepVariant, VARIANT_CATCHERS, WORKFLOW_CATCHERS, type WorkflowStep } from './errors.ts';
import { expression, type Expression } from './expressions.ts';
import {
  answerIs,
  catchFailures,
  CHANGE,
  changesTrust,
  EXECUTION_ARN,
  isSet,
  LOCKED_MIGRATION,
  MIGRATION,
  type MakeTask,
  type StepFunctions,
  stepTask,
  wait,
} from './task.ts';
import { answered, CHECKS_FAILED, createWaiting, NOBODY_DECIDED, PLAN_INPUT, plannedVariables } from './waiting.ts';

/** Time at which the Wait before a poll started, so that the step's line in the ledger includes the wait. */
const SINCE_NOW = { waitingSince: expression('$states.context.State.EnteredTime') };
const startedAt = expression('$waitingSince');

/** Seconds until the first poll of EKS's work, as forecast by the plan (`lambdas/domain/waiting/first-polls.ts`). */
const firstPoll = (at: keyof ReturnType<typeof firstPollsOf>): Expression => expression(`$firstPolls.${at}`);

/**
 * Input of a step of the change. It includes the plan's hash, which the state machine passes on from the step `plan`,
 * so that a plan that was replaced in the ledger after `begin` is not carried out either.
 */
const PLAN_HASH = { planHash: expression('$planHash') };
const PLANNED = { ...LOCKED_MIGRATION, ...PLAN_HASH };
const PLANNED_CHANGE = { ...CHANGE, ...PLAN_HASH };

/** Variables of each attempt: how often pods were restarted and observed, each from 1, and replaced one by one. */
const FIRST_ROUND = { podRound: 1, settling: 1, tries: 0 };
const PODS = { round: expression('$podRound'), settling: expression('$settling') };

/** The current attempt, from the plan's list; none beyond its end. */
const strategyIs = (strategy: 'in-place' | 'recreate' | 'associate'): sfn.Condition =>
  sfn.Condition.jsonata(expression(`$attempts[$attempt].strategy = '${strategy}'`));

/** Creates the states that repair the roles' trust policies if the plan requires it. Returns the first state. */
function repairTrust(scope: Construct, task: MakeTask, next: sfn.State): sfn.State {
  const repair = task('repair-trust', { payload: { ...PLANNED, towards: 'pod-identity' } });
  // IAM's changes are visible everywhere after a few seconds (IAM User Guide, "Troubleshoot IAM").
  repair.next(wait(scope, 'WaitForTrust', 10)).next(next);
  return sfn.Choice.jsonata(scope, 'IsTrustToRepair').when(isSet('repairsTrust'), repair).otherwise(next);
}

/** Creates the state that installs the Pod Identity agent if the plan requires it. Returns the first state. */
function installAgent(scope: Construct, task: MakeTask, next: sfn.State): sfn.State {
  const install = task('install-agent', { payload: PLANNED });
  install.next(next);
  return sfn.Choice.jsonata(scope, 'IsAgentToInstall').when(isSet('installsAgent'), install).otherwise(next);
}

/** Creates the states that create the plan's standalone associations, if there are any. Returns the first state. */
function createStandalone(scope: Construct, task: MakeTask, next: sfn.State): sfn.State {
  const create = task('create-association', { stateName: 'CreateStandaloneAssociations', payload: PLANNED_CHANGE });
  // EKS's webhook must know the associations before the pods of the changed add-on are replaced.
  create.next(wait(scope, 'WaitForStandaloneAssociations', 15)).next(next);
  return sfn.Choice.jsonata(scope, 'IsStandaloneToCreate').when(isSet('createsStandalone'), create).otherwise(next);
}

/** First and last states of each strategy for an add-on. */
interface AddonChange {
  inPlace: sfn.State;
  recreate: sfn.State;
  last: tasks.LambdaInvoke;
}

/** Creates the states that change an add-on, until it is ACTIVE and what it had before is carried over. */
function changeAddon(scope: Construct, task: MakeTask): AddonChange {
  const deleteAddon = task('delete-addon', { payload: PLANNED_CHANGE });
  const waitForDeletion = wait(scope, 'WaitForDeletion', firstPoll('deleted'), SINCE_NOW);
  const awaitDeleted = task('await-deleted', { payload: { ...PLANNED_CHANGE, startedAt } });
  const updateAddon = task('update-addon', { payload: PLANNED_CHANGE });
  const waitForUpdate = wait(scope, 'WaitForUpdate', firstPoll('updated'), SINCE_NOW);
  const createAddon = task('create-addon', { payload: PLANNED_CHANGE });
  const waitForCreation = wait(scope, 'WaitForCreation', firstPoll('created'), SINCE_NOW);
  const awaitActive = task('await-active', { payload: { ...PLANNED_CHANGE, startedAt }, assign: FIRST_ROUND });
  const carryOver = task('carry-over', { payload: PLANNED_CHANGE });

  deleteAddon.next(waitForDeletion).next(awaitDeleted).next(createAddon);
  updateAddon.next(waitForUpdate).next(awaitActive);
  createAddon.next(waitForCreation).next(awaitActive);
  awaitActive.next(carryOver);
  return { inPlace: updateAddon, recreate: deleteAddon, last: carryOver };
}

/** Creates the states that associate a service account that belongs to no add-on. */
function associate(scope: Construct, task: MakeTask): { first: sfn.State; last: sfn.Wait } {
  const createAssociation = task('create-association', { payload: PLANNED_CHANGE, assign: FIRST_ROUND });
  // EKS's webhook learns of a new association a few seconds late (aws/eks-pod-identity-agent#52).
  const waitForWebhook = wait(scope, 'WaitForWebhook', 15);
  createAssociation.next(waitForWebhook);
  return { first: createAssociation, last: waitForWebhook };
}

interface VerifyOptions {
  endings: Endings;
  /** The previous states: the last ones of all strategies. */
  after: sfn.INextable[];
  nextAttempt: sfn.State;
}

/**
 * Creates the states that observe verified pods for the settling time. `verified` is the state after that; pods that did
 * not stay ready are verified again. Returns the first state.
 */
function confirmReady(scope: Construct, task: MakeTask, verifyPods: sfn.State, verified: sfn.State): sfn.State {
  const waitForStability = wait(scope, 'WaitForStability', expression('$states.input.settleSeconds'), SINCE_NOW);
  const confirm = task('verify-pods', {
    variant: 'confirm-ready',
    payload: { ...PLANNED_CHANGE, towards: 'ready', round: PODS.round, settling: PODS.settling, startedAt },
  });
  // The step limits how often the pods are observed: after the last time, VerifyPods no longer answers `settle`.
  const stable = sfn.Choice.jsonata(scope, 'ArePodsStable', { assign: { settling: expression('$settling + 1') } })
    .when(answerIs('verdict', 'verified'), verified)
    .otherwise(verifyPods);
  waitForStability.next(confirm).next(stable);
  return waitForStability;
}

/** Creates the states that verify the pods, and restart those that lack evidence. */
function verify(scope: Construct, task: MakeTask, { endings, after, nextAttempt }: VerifyOptions): void {
  const towardsPodIdentity = {
    ...PLANNED_CHANGE,
    towards: 'pod-identity',
    round: PODS.round,
    tries: expression('$tries'),
  } as const;
  const verifyPods = task('verify-pods', { payload: { ...towardsPodIdentity, settling: PODS.settling } });
  const restartPods = task('restart-pods', { payload: towardsPodIdentity });
  // The step makes the wait longer with each pod that goes first, because it is not known how long the webhook takes.
  const waitForRollout = wait(scope, 'WaitForRollout', expression('$states.input.waitSeconds'), {
    podRound: expression('$states.input.isTry = true ? $podRound : $podRound + 1'),
    tries: expression('$states.input.isTry = true ? $tries + 1 : $tries'),
  });
  const isAnnotationToRemove = sfn.Choice.jsonata(scope, 'IsAnnotationToRemove')
    .when(
      isSet('removesAnnotation'),
      task('annotate-service-account', { payload: { ...PLANNED, towards: 'pod-identity' } }).next(
        endings.RecordMigrated,
      ),
    )
    .otherwise(endings.RecordMigrated);
  // The step limits the rounds: after the last restart of the last attempt it fails instead of requesting another.
  const verified = sfn.Choice.jsonata(scope, 'AreThePodsVerified')
    .when(answerIs('verdict', 'verified'), isAnnotationToRemove)
    .when(answerIs('verdict', 'settle'), confirmReady(scope, task, verifyPods, isAnnotationToRemove))
    .when(answerIs('verdict', 'next-attempt'), nextAttempt)
    .otherwise(restartPods);

  for (const state of after) state.next(verifyPods);
  verifyPods.next(verified);
  restartPods.next(waitForRollout).next(verifyPods);
}

/** Creates the state that chooses the strategy of the current attempt. */
const chooseStrategy = (scope: Construct, addon: AddonChange, association: sfn.State, none: sfn.State): sfn.State =>
  // A strategy that this definition does not know is not tried; the changes of earlier attempts are rolled back.
  sfn.Choice.jsonata(scope, 'WhichStrategy', {
    assign: {
      failure: expression(
        `{'Error': 'NoAttemptLeft', 'Cause': 'The plan has no attempt ' & ($attempt + 1) & ' with a known strategy.'}`,
      ),
    },
  })
    .when(strategyIs('in-place'), addon.inPlace)
    .when(strategyIs('recreate'), addon.recreate)
    .when(strategyIs('associate'), association)
    .otherwise(none);

const BEFORE: readonly WorkflowStep[] = ['plan', 'request-approval', 'await-window', 'begin'];
/** Returns the phase of a step's pause, which decides where it ends. */
const phaseOf = (step: WorkflowStep | StepVariant): 'before' | 'change' | 'settling' | 'annotation' => {
  if (step === 'confirm-ready') return 'settling';
  if (step === 'annotate-service-account') return 'annotation';
  return BEFORE.some((one) => one === step) ? 'before' : 'change';
};

/** Creates the states from the plan to the verification, attempt by attempt. Returns the first state. */
export function createWorkflow(scope: Construct, functions: StepFunctions, endings: Endings): sfn.State {
  const task: MakeTask = (step, options, others = {}) => {
    const pausing = { back: false, held: heldErrors(options.variant ?? step) };
    const state = stepTask(scope, step, { functions, pausing, ...options });
    endings.pauses.around(state, phaseOf(options.variant ?? step), {
      ...pausing,
      callback: options.callback !== undefined,
    });
    if (options.callback)
      state.addCatch(endings.RecordBlocked, { errors: [sfn.Errors.TIMEOUT], assign: { failure: NOBODY_DECIDED } });
    const catchers = options.variant ? VARIANT_CATCHERS[options.variant] : WORKFLOW_CATCHERS[step];
    catchFailures(state, catchers, { ...endings, ...others });
    return state;
  };

  const plan = task('plan', {
    payload: PLAN_INPUT,
    assign: { ...plannedVariables(functions), approvedHash: expression("''"), replans: 0 },
  });
  const waiting = createWaiting(scope, task, plannedVariables(functions));
  // The hash comes from the step's answer, not from the ledger, so that a plan that was replaced there is not carried
  // out.
  const begin = task(
    'begin',
    {
      payload: {
        ...MIGRATION,
        executionArn: EXECUTION_ARN,
        planHash: expression('$planHash'),
        approvedHash: expression('$approvedHash'),
      },
      assign: { fence: answered('fence') },
    },
    { AwaitWindow: waiting.awaitWindow },
  );
  waiting.leadTo(begin, endings);
  const decide = sfn.Choice.jsonata(scope, 'IsThereWork', { assign: { failure: CHECKS_FAILED } })
    .when(waiting.needsApproval, waiting.requestApproval)
    .when(waiting.needsWindow, waiting.awaitWindow)
    .when(answerIs('verdict', 'migrate'), begin)
    .when(answerIs('verdict', 'already-migrated'), endings.AlreadyMigrated)
    .when(answerIs('verdict', 'planned'), endings.Planned)
    .otherwise(endings.Blocked);

  const addon = changeAddon(scope, task);
  const association = associate(scope, task);
  const nextAttempt = sfn.Pass.jsonata(scope, 'NextAttempt', { assign: { attempt: expression('$attempt + 1') } });
  const whichStrategy = chooseStrategy(scope, addon, association.first, endings.RollBack);
  verify(scope, task, { endings, after: [association.last, addon.last], nextAttempt });
  plan.next(decide);
  const change = createStandalone(scope, task, whichStrategy);
  begin.next(installAgent(scope, task, changesTrust(functions) ? repairTrust(scope, task, change) : change));
  nextAttempt.next(whichStrategy);
  endings.pauses.close();
  return endings.pauses.start(plan);
}
