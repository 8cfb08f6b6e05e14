/** Zod schemas of a migration's plan, which are part of the records in `domain/record/migration.ts`. */
import { z } from 'zod';
import { plannedConsumer } from '../terms/consumer.ts';
import { check } from '../terms/check.ts';
import { addon, association, serviceAccountState } from '../terms/observed.ts';
import { carriedOver, identityLoss, plannedAssociation } from '../terms/planned.ts';
import { owner } from '../owners/model.ts';
import { maxDisruption, resolveConflicts, strategy } from '../request/request.ts';
import { brokenPod, forecast } from '../rollout/model.ts';
import { schemaNames } from '../text/schemas.ts';
import { trustRepair } from '../terms/trust.ts';

/** One attempt: a strategy for the change, with its options. */
export const attempt = z
  .object({
    strategy: z
      .enum(['in-place', 'recreate', 'associate'])
      .describe('Strategy of the attempt. `associate`: for a service account that belongs to no add-on.'),
    preserve: z
      .boolean()
      .describe('Whether Kubernetes objects stay while the add-on is deleted. False if nothing is deleted.'),
    disruption: maxDisruption.describe('Disruption that the attempt causes.'),
    resolveConflicts: resolveConflicts.describe('What EKS does with fields that others changed.'),
  })
  .register(schemaNames, { name: 'Attempt' });
export type Attempt = z.infer<typeof attempt>;

export const planStep = z
  .object({
    name: z.string().describe('Name of the step.'),
    what: z.string().describe('What the step does.'),
    calls: z
      .array(z.string())
      .describe('AWS and Kubernetes API calls of the step that change something, such as `eks:UpdateAddon`.'),
    disruption: z.enum(['none', 'rolling', 'outage']).describe('Disruption that the step causes.'),
    undo: z.string().describe('How the step is undone.'),
  })
  .register(schemaNames, { name: 'PlanStep' });
export type PlanStep = z.infer<typeof planStep>;

/** `keep-irsa`: a check fails for a reason for which IRSA is the better fit, so that nothing should be changed. */
export const verdict = z.enum(['migrate', 'already-migrated', 'blocked', 'keep-irsa']);

export const plan = z
  .object({
    verdict: verdict.describe(
      'What the plan comes to. `blocked`: a check fails. `keep-irsa`: a check fails, since IRSA is the better fit.',
    ),
    strategy: strategy.describe('Strategy of the request.'),
    preserve: z.boolean().describe('`preserve` of the request.'),
    attempts: z
      .array(attempt)
      .describe('Attempts in order, the least disruptive first. Empty if there is nothing to change.'),
    checks: z.array(check).describe('All checks, and what each found.'),
    steps: z.array(planStep).describe('Steps of the first attempt, in order.'),
    addon: addon.optional().describe('The add-on as it was found. Absent if it is about a service account.'),
    serviceAccount: serviceAccountState
      .optional()
      .describe('The service account as it was found. Absent if it is about an add-on, or could not be read.'),
    namespace: z.string().optional().describe('Namespace of the add-on.'),
    defaultNamespace: z
      .string()
      .optional()
      .describe('Default namespace of the add-on. Absent if EKS does not report it.'),
    associations: z.array(plannedAssociation).describe('Associations that the migration makes.'),
    // In a plan that changes something, the request accepts each of those that have pods.
    identityLosses: z
      .array(identityLoss)
      .default([])
      .describe('Service accounts that lose their AWS identity by the change.'),
    existing: z.array(z.string()).describe('Ids of the associations that the planned service accounts have now.'),
    existingAssociations: z
      .array(association)
      .optional()
      .describe('These associations as they were found. Absent if there are none.'),
    purge: z
      .array(z.string())
      .describe('Ids of the conflicting associations among them, which the first attempt deletes.'),
    carryOver: z.array(carriedOver).describe('Settings of associations that the new ones get once EKS has made them.'),
    trustRepairs: z
      .array(trustRepair)
      .default([])
      .describe('Changes of trust policies that come first. Empty unless the request says `repair`.'),
    owners: z
      .array(owner)
      .default([])
      .describe('Tools that own what the migration changes, or what it uses, as far as it can be found out.'),
    consumers: z
      .array(plannedConsumer)
      .optional()
      .describe(
        'Objects by which other software uses the web identity of the service accounts, at most 100, those that the migration breaks first. Absent if none was found.',
      ),
    installAgent: z
      .object({ version: z.string().describe('Version of the add-on `eks-pod-identity-agent`.') })
      .register(schemaNames, { name: 'AgentInstallation' })
      .optional()
      .describe('The Pod Identity agent, if it is installed first. Absent if it is not.'),
    forecast: forecast
      .optional()
      .describe('How long it is forecast to take. Absent if no pod could be read, or nothing changes.'),
    brokenPods: z
      .array(brokenPod)
      .optional()
      .describe('Pods of the planned service accounts that do not work before anything is changed.'),
    found: z
      .string()
      .default('')
      .describe('SHA-256 in hexadecimal over the associations and trust policies that were found.'),
    // Computed in `hash.ts`.
    hash: z
      .string()
      .describe('SHA-256 in hexadecimal over the request, what was found, and what will be done. Approvals name it.'),
  })
  .register(schemaNames, { name: 'PlanDetails' });
export type Plan = z.infer<typeof plan>;
