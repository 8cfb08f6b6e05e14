/** Runs the restore commands line by line against the sandbox. */
import * as eks from '@aws-sdk/client-eks';
import { UpdateAssumeRolePolicyCommand } from '@aws-sdk/client-iam';
import { oidcProviderArn } from '../../lambdas/domain/aws/arn.ts';
import { WORKLOAD_KINDS } from '../../lambdas/domain/kubernetes/objects.ts';
import type { Migration } from '../../lambdas/domain/record/migration.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import type { ClusterState } from '../../sandbox/world/world.ts';
import { getObject, newMetadata, putObject } from '../../sandbox/objects/store.ts';
import { portsOf } from '../../lambdas/runtime/wiring.ts';
import { runScript, type ScriptHost } from '../lambdas/aws-commands.ts';

/** Returns `: aws …` as `aws …`, unless the line is text or has a placeholder to fill in. */
const asCommand = (line: string): string =>
  /^: (aws|kubectl) /.test(line) && !/\bKIND\/NAME\b/.test(line) ? line.slice(2) : line;

type AnyCommand = new (input: Record<string, unknown>) => InstanceType<typeof eks.DescribeAddonCommand>;

const commandNamed = (operation: string): AnyCommand => {
  const command = (eks as unknown as Record<string, AnyCommand | undefined>)[`${operation}Command`];
  if (!command) throw new Error(`EKS has no operation ${operation}.`);
  return command;
};

/**
 * Runs `kubectl -n NAMESPACE rollout restart KIND/NAME`, `annotate serviceaccount` and `create serviceaccount` as the
 * operator's requests. The lines about pods that no rollout replaces need nothing more.
 */
const kubectl = async (sandbox: Sandbox, cluster: ClusterState, record: Migration, words: string[]): Promise<void> => {
  const [flag, namespace = '', command, verb = '', what = '', value = '', overwrite] = words;
  const { kubernetes } = portsOf(sandbox.clients(undefined, record.request.target.region), record.request.target);
  if (flag === '-n' && command === 'annotate' && verb === 'serviceaccount') {
    const account = await kubernetes.getServiceAccount(namespace, what);
    if (!account) throw new Error(`there is no service account ${namespace}/${what}`);
    const roleArn = value.replace('eks.amazonaws.com/role-arn=', '');
    if (value.endsWith('-')) return kubernetes.annotateServiceAccount(account, null);
    // kubectl does the same without --overwrite.
    if (overwrite === undefined && account.roleArn !== undefined && account.roleArn !== roleArn)
      throw new Error(`service account ${namespace}/${what} has the annotation with another value`);
    return kubernetes.annotateServiceAccount(account, roleArn);
  }
  if (flag === '-n' && command === 'create' && verb === 'serviceaccount') {
    if (getObject(cluster.kube, 'ServiceAccount', namespace, what)) throw new Error(`${what} already exists`);
    const metadata = newMetadata(cluster.kube, sandbox.clock.now(), { namespace, name: what });
    putObject(cluster.kube, 'ServiceAccount', { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
    return;
  }
  // The person has decided about these pods before (`endPods`); the lines only have to be right.
  if (flag === '-n' && command === 'wait' && words.at(-1)?.startsWith('job/') === true) return;
  if (flag === '-n' && command === 'delete' && (verb === 'pod' || verb === 'job') && what !== '') return;
  if (flag === '-n' && command === 'patch' && verb === 'cronjob' && what !== '') return;
  if (flag !== '-n' || command !== 'rollout' || verb === '')
    throw new Error(`kubectl ${words.join(' ')} is not one of the restore commands.`);
  if (verb === 'status') return undefined;
  const [resource = '', name = ''] = what.split('/');
  const kind = WORKLOAD_KINDS.find((one) => one.toLowerCase() === resource.toLowerCase());
  if (!kind) throw new Error(`kubectl ${words.join(' ')} names no workload.`);
  return kubernetes.restartWorkload({ kind, namespace, name }, `by-hand-${sandbox.clock.now()}`);
};

/** Creates the cluster's OIDC provider, or adds an audience to it. Returns false for any other operation of IAM. */
const restoreProvider = (
  { world }: Sandbox,
  { account, region, oidcIssuer = '' }: ClusterState,
  operation: string,
  input: Record<string, unknown>,
): boolean => {
  const arn = oidcProviderArn({ account, region }, oidcIssuer);
  const providers = world.accounts.get(account)?.oidcProviders;
  if (operation === 'CreateOpenIdConnectProvider') {
    if (input['Url'] !== oidcIssuer || providers?.has(arn) === true) throw new Error(`iam cannot create ${arn}`);
    const url = oidcIssuer.replace('https://', '');
    const clientIds = [String(input['ClientIdList'])];
    providers?.set(arn, { arn, url, clientIds, thumbprints: [], tags: {}, createdAt: world.schedule.now() });
    return true;
  }
  if (operation !== 'AddClientIdToOpenIdConnectProvider') return false;
  const provider = providers?.get(String(input['OpenIdConnectProviderArn']));
  if (!provider) throw new Error(`iam has no provider ${String(input['OpenIdConnectProviderArn'])}`);
  provider.clientIds = [...provider.clientIds, String(input['ClientId'])];
  return true;
};

/**
 * Runs all commands, waits until the pods have settled, and returns what went wrong. `rollBack` and `release` are the
 * actions of a last line. `optional` also runs the lines that a leading colon disables.
 */
export const runRestoreCommands = async (
  sandbox: Sandbox,
  cluster: ClusterState,
  record: Migration,
  {
    rollBack,
    release,
    optional,
  }: { rollBack: () => Promise<void>; release: () => Promise<unknown>; optional: boolean },
): Promise<string[]> => {
  let commands = 0;
  const host: ScriptHost = {
    eks: (operation, input, region) => {
      if (input['clusterName'] !== undefined && input['clusterName'] !== cluster.name)
        throw new Error(`the commands name a cluster other than ${cluster.name}`);
      // The SDK would generate a different token in each run.
      const clientRequestToken = `${record.migrationId}-${(commands += 1)}`;
      return sandbox
        .clients(undefined, region)
        .eks()
        .send(new (commandNamed(operation))({ clientRequestToken, ...input }));
    },
    iam: (operation, input, region) => {
      if (restoreProvider(sandbox, cluster, operation, input)) return Promise.resolve();
      if (operation !== 'UpdateAssumeRolePolicy')
        throw new Error(`iam ${operation} is not one of the restore commands.`);
      return sandbox
        .clients(undefined, region)
        .iam()
        .send(
          new UpdateAssumeRolePolicyCommand({
            RoleName: String(input['RoleName']),
            PolicyDocument: String(input['PolicyDocument']),
          }),
        );
    },
    kubectl: (words) => kubectl(sandbox, cluster, record, words),
    podIdentity: async (words) => {
      const said = words.join(' ');
      if (said === `rollback ${record.migrationId} --deployed`) await rollBack();
      else if (said === `release ${record.migrationId} --deployed`) await release();
      else throw new Error(`pod-identity ${said} is not one of the restore commands.`);
    },
    sleep: (milliseconds) => sandbox.clock.sleep(milliseconds),
  };
  return runScript(optional ? record.restoreCommands.map(asCommand) : record.restoreCommands, host);
};
