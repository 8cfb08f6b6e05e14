/**
 * The checks that concern some of the attempts: everything that CreateAddon needs is known before anything is deleted. A
 * blocking check removes its attempts; if none remains, it blocks the plan.
 */
import { grantCommand } from '../access/command.ts';
import { isNetworking, knownAddon, madeByAddon, mayHaveChosenNamespace, type OwnedKind } from '../addons/registry.ts';
import { validateConfiguration } from '../addons/configuration.ts';
import { eksRegionCommand } from '../commands/eks.ts';
import { defaultNamespaceOf } from '../aws/eks.ts';
import type { Attempt } from '../record/plan.ts';
import { type Check, fail, GUIDE, pass, some, unknown, warn } from '../terms/check.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import { readsPods } from '../request/request.ts';
import { updateCommand } from './checks.ts';
import type { AddonFacts } from './facts.ts';
import { partitionOf } from '../aws/partitions.ts';
import { checkFieldManagers } from './field-managers.ts';
import { exceedsMaxDisruption, isRecreate, nameOf, removesSoftware, type AttemptCheck } from './attempts.ts';

const never = (): boolean => false;
const REMOVE = `${GUIDE}, "Remove an Amazon EKS add-on from a cluster"`;

/** Returns checks for attempts that are never allowed. */
function forbidden({ request }: AddonFacts, ways: readonly Attempt[]): AttemptCheck[] {
  const found: AttemptCheck[] = [];
  if (isNetworking(request.addon) && ways.some(removesSoftware)) {
    found.push({
      check: fail(
        'addon-risk',
        `Deleting ${request.addon} would leave new pods without network.`,
        'Add --preserve, which keeps its DaemonSet running while the add-on is deleted; or choose --strategy in-place or auto.',
        'aws-cloudformation/cloudformation-coverage-roadmap#1050',
      ),
      excludes: removesSoftware,
    });
  }
  if (request.strategy !== 'auto') {
    const exceeding = (attempt: Attempt): boolean => exceedsMaxDisruption(request, attempt);
    if (ways.some(exceeding)) {
      const message = `${request.addon} would be down for a while (${ways.filter(exceeding).map(nameOf).join(', ')}), but the request allows no outage (maxDisruption: rolling).`;
      found.push({
        check: fail(
          'max-disruption',
          message,
          'Allow it with --max-disruption outage, add --preserve, or choose --strategy in-place or auto.',
          REMOVE,
        ),
        excludes: exceeding,
      });
    }
  }
  return found;
}

/** Returns warnings about how the remaining attempts disrupt the users of the add-on. */
export function checkRisk({ request }: AddonFacts, attempts: readonly Attempt[]): Check[] {
  const { addon } = request;
  if (knownAddon(addon)?.needsIam === false)
    return [
      fail(
        'addon-risk',
        `Add-on ${addon} needs no IAM permissions.`,
        'There is nothing to migrate; leave it as it is.',
      ),
    ];
  const [first] = attempts;
  if (!first) return [];
  if (removesSoftware(first)) {
    return [
      warn(
        'addon-risk',
        `The software of ${addon} is down between its deletion and its creation.`,
        'Choose a quiet time, or add --preserve or --strategy in-place: the software then keeps running, and its pods roll.',
        REMOVE,
      ),
    ];
  }
  if (attempts.some(removesSoftware)) {
    return [
      warn(
        'addon-risk',
        `The software of ${addon} keeps running, except as a last resort: if its pods do not get the new identity otherwise, it is down between its deletion and its creation.`,
        'Choose a quiet time, or omit --max-disruption outage.',
        REMOVE,
      ),
    ];
  }
  return [
    pass(
      'addon-risk',
      `The software of ${addon} keeps running (${attempts.map(nameOf).join(', then ')}); its pods roll.`,
    ),
  ];
}

function checkOffered({ request, addon, cluster, offered }: AddonFacts, ways: readonly Attempt[]): AttemptCheck {
  const version = addon?.version ?? '';
  const kubernetes = `Kubernetes ${cluster?.version ?? ''}`;
  if (offered.some((one) => one.version === version))
    return {
      check: pass('version-offered', `Version ${version} is still offered for ${kubernetes}.`),
      excludes: never,
    };
  const best = offered.find((one) => one.default)?.version ?? offered[0]?.version;
  const gone = `Version ${version} of ${request.addon} is no longer offered for ${kubernetes}`;
  const remedy = best
    ? `Update it to an offered version first, keeping its role: ${updateCommand(request, addon, best)} ; wait until it is ACTIVE, then plan again.`
    : 'EKS offers no version of it for this cluster; ask AWS Support before you change it.';
  if (!ways.some(isRecreate))
    return {
      check: warn(
        'version-offered',
        `${gone}. An update in place deletes nothing, so the version stays.`,
        remedy,
        'DescribeAddonVersions',
      ),
      excludes: never,
    };
  return {
    check: fail(
      'version-offered',
      `${gone}: once deleted, it could not be created again.`,
      remedy,
      'DescribeAddonVersions',
    ),
    excludes: isRecreate,
  };
}

function checkConfiguration(
  { request, addon, configurationSchema }: AddonFacts,
  ways: readonly Attempt[],
): AttemptCheck[] {
  if (!addon || !ways.some(isRecreate)) return [];
  const id = 'configuration-valid';
  if (addon.configurationValues === undefined)
    return [{ check: pass(id, 'The add-on has no configuration values.'), excludes: never }];
  const judged = validateConfiguration(addon.configurationValues, configurationSchema);
  const source = 'DescribeAddonConfiguration.configurationSchema';
  if (judged.verdict === 'valid')
    return [{ check: pass(id, `The configuration values are valid for version ${addon.version}.`), excludes: never }];
  if (judged.verdict === 'unknown') {
    const remedy =
      'No action is needed: EKS accepted these values for this version before. If it rejects them now, the migration is rolled back.';
    return [
      {
        check: warn(id, `The configuration values cannot be checked beforehand: ${judged.why}.`, remedy, source),
        excludes: never,
      },
    ];
  }
  const remedy = `Correct them first, keeping the role. To show the schema: ${eksRegionCommand(request.target, 'describe-addon-configuration', ['--addon-name', addon.name, '--addon-version', addon.version])}`;
  return [
    {
      check: fail(
        id,
        `The configuration values are not valid for version ${addon.version}, so the add-on could not be created again once deleted: ${some(judged.errors)}.`,
        remedy,
        source,
      ),
      excludes: isRecreate,
    },
  ];
}

/** A create with a namespace may be refused, and a create without one may install the add-on in another namespace. */
function checkCreateNamespace({ addon, offered }: AddonFacts, ways: readonly Attempt[]): AttemptCheck[] {
  if (!addon || !ways.some(isRecreate) || !mayHaveChosenNamespace(addon, defaultNamespaceOf(offered))) return [];
  return [
    {
      check: unknown(
        'create-namespace',
        `Add-on ${addon.name} is in namespace ${addon.namespace ?? ''}, and it is not known whether that is its default namespace: once deleted, it could be created in another namespace, or not at all.`,
        'Choose --strategy in-place, which deletes nothing.',
        'DescribeAddonVersions.defaultNamespace',
      ),
      excludes: isRecreate,
    },
  ];
}

/**
 * Owners of add-ons that need no subscription. Source: EKS User Guide, "Amazon EKS add-ons" (owner in
 * DescribeAddonVersions).
 */
const WITHOUT_SUBSCRIPTION = new Set(['eks', 'aws', 'amazon', 'community']);

/** The console of the partition `aws`. Other partitions have other hosts. */
const SUBSCRIPTIONS = 'https://console.aws.amazon.com/marketplace/home#/subscriptions';

function checkSubscription({ request, addon, offered }: AddonFacts, ways: readonly Attempt[]): AttemptCheck[] {
  const source = `${GUIDE}, "AWS Marketplace add-ons"`;
  const issue = addon?.issues.find((one) => one.code === 'AddonSubscriptionNeeded');
  if (issue)
    return [
      {
        check: fail(
          'subscription',
          `Add-on ${request.addon} lacks its subscription: ${issue.message}`,
          'Subscribe to it in the AWS Marketplace first.',
          source,
        ),
        excludes: () => true,
      },
    ];
  const owner = (offered.find((one) => one.version === addon?.version) ?? offered[0])?.owner;
  if (owner === undefined || WITHOUT_SUBSCRIPTION.has(owner.toLowerCase()) || !ways.some(isRecreate)) return [];
  return [
    {
      check: warn(
        'subscription',
        `Add-on ${request.addon} comes from the AWS Marketplace (${owner}): it can only be created again while this account is subscribed.`,
        `Check the subscription before you continue${partitionOf(request.target.region) === 'aws' ? `: ${SUBSCRIPTIONS}` : ', in the AWS Marketplace of the partition'}`,
        source,
      ),
      excludes: never,
    },
  ];
}

/** Returns the objects of the add-on's kinds that the add-on did not create. */
function objectsInUse({ request, customResources, namespace }: AddonFacts): string[] {
  const names = customResources.flatMap(({ kind, instances }) => {
    const made = madeByAddon(request.addon, kind).map((name) => `${namespace ?? ''}/${name}`);
    return instances
      .filter((name) => !made.includes(name))
      .map((name) => `${kind.plural}.${kind.group} ${name.replace(/^\//, '')}`);
  });
  return [...new Set(names)];
}

/** Returns the kinds of the add-on whose objects could not be listed, each with the reason. */
function unreadKinds({ customResources, pods, kubernetesError }: AddonFacts, known: readonly OwnedKind[]): string[] {
  const unread = pods
    ? customResources.filter((one) => one.error !== undefined)
    : known.map((kind) => ({ kind, error: kubernetesError }));
  return [...new Set(unread.map(({ kind, error }) => `${kind.plural}.${kind.group} (${error ?? ''})`))];
}

/** Removing the software removes its custom resource definitions, and with a definition every object of its kind. */
function checkCustomResources(facts: AddonFacts, ways: readonly Attempt[]): AttemptCheck[] {
  const { request, pods } = facts;
  // A plan without the pods is blocked by another check, unless the request does not need them.
  if (!ways.some(removesSoftware) || (!pods && readsPods(request))) return [];
  const id = 'custom-resources';
  const at = (check: Check): AttemptCheck[] => [{ check, excludes: removesSoftware }];
  const known = knownAddon(request.addon);
  const keep = 'Add --preserve or choose --strategy in-place; neither deletes definitions';
  if (!known) {
    return at(
      unknown(
        id,
        `It is not known which custom resource definitions ${request.addon} owns: without preserve, they would be deleted with it, together with all objects of their kinds.`,
        `${keep}.`,
        REMOVE,
      ),
    );
  }
  const found = objectsInUse(facts);
  if (found.length > 0) {
    return at(
      fail(
        id,
        `Deleting ${request.addon} deletes its custom resource definitions, and with them: ${some(found)}.`,
        `${keep}; or save these objects and delete them first.`,
        REMOVE,
      ),
    );
  }
  const unread = unreadKinds(facts, known.customResources);
  if (unread.length > 0) {
    const remedy = `${keep}; or allow the service to list them: ${grantCommand(request)} --addon ${request.addon}`;
    return at(
      unknown(
        id,
        `Deleting ${request.addon} deletes its custom resource definitions, and whether objects of their kinds exist could not be read: ${some(unread)}.`,
        remedy,
        REMOVE,
      ),
    );
  }
  return [
    {
      check: pass(
        id,
        known.customResources.length === 0
          ? 'The add-on owns no custom resource definitions.'
          : "The add-on's custom resource definitions have no objects but its own.",
      ),
      excludes: never,
    },
  ];
}

/** Returns all checks, in the order in which they are reported. */
export function attemptChecks(
  facts: AddonFacts,
  planned: readonly PlannedAssociation[],
  ways: readonly Attempt[],
): AttemptCheck[] {
  const fields = checkFieldManagers(facts, planned, ways);
  return [
    ...forbidden(facts, ways),
    checkOffered(facts, ways),
    ...checkConfiguration(facts, ways),
    ...checkCreateNamespace(facts, ways),
    ...checkSubscription(facts, ways),
    ...checkCustomResources(facts, ways),
    ...(fields ? [fields] : []),
  ];
}
