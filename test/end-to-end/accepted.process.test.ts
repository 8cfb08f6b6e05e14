/**
 * What a plan or a retirement blocks, accepted by name and carried out: each command is pasted into a shell as the command
 * before has printed it. What pods and consumers get is judged by the sandbox's EKS Auth and STS. For one command of each
 * kind, the shell starts the program; for the others, the program gets the shell's words in this process.
 */
import { afterEach, expect, it, vi } from 'vitest';
import { chainedRole } from '../../sandbox/credentials/chained-roles.ts';
import { consumersIn } from '../../sandbox/consumers/index.ts';
import { listObjects } from '../../sandbox/objects/store.ts';
import { readScenario } from '../../sandbox/build/load.ts';
import type { ScenarioCluster } from '../../sandbox/scenario/scenario.ts';
import { stubEnvironment } from '../cli/fixtures.ts';
import { inThisProcess } from './commands.ts';
import { ADDON, scenarioFile } from './fixture.ts';
import { NEW_SDK, podsHave } from './judged.ts';
import { PACE, type Result, serveHere, type ServedHere } from './served.ts';
import { OpenWorld } from './world.ts';
import { containing } from '../lambdas/matchers.ts';

let served: ServedHere | undefined;
afterEach(async () => {
  vi.unstubAllEnvs();
  await served?.close();
  served = undefined;
});

/** What a pasted command does: it accepts what blocks, carries that out, or undoes it. */
type Stage = 'accept' | 'carry out' | 'undo';

interface Case {
  title: string;
  /** The commands that start the program. */
  started?: readonly Stage[];
  scenario: string;
  change?: (cluster: ScenarioCluster) => void;
  account: { namespace: string; name: string };
  /** What a person types first. */
  command: string;
  check: string;
  /** The line above the command that accepts it. */
  why: string;
  /** The options of that command, in order. */
  accepts: string;
  /** What the pods get in the end, if that is not the role by EKS Pod Identity. */
  gets?: string;
  /** What gets no credentials, or no other role, once the migration is accepted. */
  loses?: string[];
}

const KNOW_SOFTWARE = 'If you know that the software uses EKS Pod Identity, accept it and plan again:';
const ACCEPT = 'If you accept what these checks name, plan again:';
const STORE = 'SecretStore/shop/aws';
const ORDERS = { namespace: 'shop', name: 'orders' };
const DEPLOYER = 'arn:aws:iam::111122223333:role/delivery-prod-deployer';
const CONTROLLER = { namespace: 'argocd', name: 'argocd-application-controller' };

const UNREAD =
  '--accept consumer:secretstores.external-secrets.io --accept consumer:clustersecretstores.external-secrets.io';
const EBS_IMAGE = 'public.ecr.aws/ebs-csi-driver/aws-ebs-csi-driver:v1.20.0';
const CASES: Case[] = [
  {
    title: 'an image of a service account that is built with a newer SDK than its tag says',
    scenario: 'old-sdk-known-image',
    account: { namespace: 'dns', name: 'external-dns' },
    command: 'migrate-workload --cluster reports-prod --namespace dns --service-account external-dns',
    check: 'aws-sdk-version',
    why: KNOW_SOFTWARE,
    accepts: '--accept image:111122223333.dkr.ecr.eu-west-1.amazonaws.com/mirror/external-dns:v0.13.6',
  },
  {
    title: 'a container of a service account whose SDK ignores AWS_PROFILE',
    started: ['accept', 'undo'],
    scenario: 'unknown-credentials',
    account: { namespace: 'reports', name: 'dashboard' },
    command: 'migrate-workload --cluster reports-prod --namespace reports --service-account dashboard',
    check: 'unknown-credentials',
    why: KNOW_SOFTWARE,
    accepts: '--accept unknown-credentials:dashboard/dashboard',
  },
  {
    title: 'an image of an add-on that is built with a newer SDK than its tag says',
    started: ['carry out'],
    scenario: 'in-place',
    change: ({ addons }) => {
      const addon = addons.find(({ name }) => name === ADDON)!;
      addon.software = [{ workload: 'ebs-csi-controller', container: 'ebs-plugin', image: EBS_IMAGE, sdk: NEW_SDK }];
    },
    account: { namespace: 'kube-system', name: 'ebs-csi-controller-sa' },
    command: `migrate --cluster catalogue-prod --addon ${ADDON}`,
    check: 'aws-sdk-version',
    why: KNOW_SOFTWARE,
    accepts: `--accept image:${EBS_IMAGE}`,
  },
  {
    title: 'a SecretStore that uses the service account whose annotation is removed',
    scenario: 'secret-store',
    account: ORDERS,
    command: 'migrate-workload --cluster orders-prod --namespace shop --service-account orders --annotation remove',
    check: 'consumers',
    why: ACCEPT,
    accepts: `--accept consumer:${STORE}`,
    loses: [STORE],
  },
  {
    title: "a SecretStore that uses an add-on's service account",
    scenario: 'addon-secret-store',
    account: { namespace: 'amazon-cloudwatch', name: 'cloudwatch-agent' },
    command: 'migrate --cluster monitor-prod --addon amazon-cloudwatch-observability',
    check: 'consumers',
    why: ACCEPT,
    accepts: '--accept consumer:SecretStore/amazon-cloudwatch/parameters',
    loses: ['SecretStore/amazon-cloudwatch/parameters'],
  },
  {
    title: 'custom resources that the service may not read',
    scenario: 'consumers-unread',
    account: ORDERS,
    command: 'migrate-workload --cluster orders-test --namespace shop --service-account orders --annotation remove',
    check: 'consumers',
    why: ACCEPT,
    accepts: UNREAD,
    loses: [STORE],
  },
  {
    title: 'a role that the pods assume and that would refuse their new session',
    scenario: 'role-chain-blocked',
    account: CONTROLLER,
    command: `migrate-workload --cluster delivery-prod --namespace argocd --service-account ${CONTROLLER.name}`,
    check: 'target-roles',
    why: ACCEPT,
    accepts: `--accept target-role:${DEPLOYER}`,
    loses: [DEPLOYER],
  },
  {
    title: 'network policies that keep the pods from the agent',
    scenario: 'network-policy',
    account: { namespace: 'orders', name: 'api' },
    command: 'migrate-workload --cluster orders-prod --namespace orders --service-account api',
    check: 'agent-reachability',
    why: ACCEPT,
    accepts:
      '--accept network-policy:NetworkPolicy/orders/allow-aws --accept network-policy:NetworkPolicy/orders/default-deny',
    gets: 'AgentUnreachable',
  },
];

/** Returns the command that an output prints below this line. */
const printedBelow = (out: string, line: string): string => {
  const lines = out.split('\n');
  const command = lines[lines.indexOf(line) + 1]?.trim();
  expect(lines).toContain(line);
  return command ?? '';
};
const methods = (world: OpenWorld, { account }: Pick<Case, 'account'>): string[] => [
  ...new Set(podsHave(world, account).flatMap(({ gets }) => gets.map((one) => one.split(' ')[0]!))),
];

/** Returns the consumers that get no credentials now, and the role that the controller of Argo CD does not get. */
const lost = ({ backend, cluster }: OpenWorld): string[] => {
  const { world } = backend.sandbox;
  const consumers = consumersIn(world, cluster).filter(({ works }) => !works);
  const chains = listObjects(cluster.kube, 'Pod')
    .filter(({ spec }) => spec.serviceAccountName === CONTROLLER.name)
    .flatMap((pod) => chainedRole(world, cluster, pod, DEPLOYER))
    .filter(({ refused }) => refused !== undefined);
  return [...new Set([...consumers.map(({ name }) => name), ...chains.map(() => DEPLOYER)])];
};

interface Shell {
  world: OpenWorld;
  /** Pastes a command; one without a stage never starts the program. */
  paste: (command: string, stage?: Stage) => Promise<Result>;
}
/** Ends at the program: the words that it would get are printed, each with a NUL. */
const WORDS = `npm() { printf '%s\\0' "$@"; }\n`;
const START = ['run', '--silent', 'pod-identity', '--'];

const open = async ({
  scenario: name,
  change,
  started = [],
}: Pick<Case, 'scenario' | 'change' | 'started'>): Promise<Shell> => {
  const scenario = await readScenario(scenarioFile(name));
  change?.(scenario.accounts[0]!.clusters[0]!);
  served = await serveHere(scenario, PACE);
  const here = served;
  stubEnvironment(here.variables);
  const paste: Shell['paste'] = async (command, stage) => {
    if (stage !== undefined && started.includes(stage)) return here.run('bash', ['-e', '-c', command]);
    const { out } = await here.run('bash', ['-e', '-c', `${WORDS}${command}`]);
    const words = out.split('\0').slice(0, -1);
    expect(words.slice(0, START.length)).toEqual(START);
    return inThisProcess(here, words.slice(START.length));
  };
  return { world: new OpenWorld(here.backend, scenario), paste };
};
/** Returns what a pasted command printed. */
const done = async ({ paste }: Shell, command: string, stage?: Stage): Promise<string> => {
  const result = await paste(command, stage);
  expect({ command, ...result }).toMatchObject({ code: 0 });
  return result.out;
};
const first = (command: string): string => `npm run --silent pod-identity -- ${command} --deployed`;

it.each(CASES)('the commands after a blocked plan accept $title, and lead to a migration and back', async (one) => {
  const shell = await open(one);
  const { world, paste } = shell;

  const blocked = await paste(first(one.command));
  expect(blocked).toMatchObject({ code: 3, out: containing(one.check) });
  const accepting = printedBelow(blocked.out, one.why);
  expect(accepting).toContain(` ${one.accepts} `);
  const planned = await done(shell, accepting, 'accept');
  expect([world.changes(), [methods(world, one), lost(world)]]).toEqual([[], [['irsa'], []]]);

  const migrated = await done(shell, printedBelow(planned, 'To carry out the plan:'), 'carry out');
  expect(migrated).toContain('verified: ready (stable; use of the credentials not observed)');
  expect([methods(world, one), lost(world)]).toEqual([[one.gets ?? 'pod-identity'], one.loses ?? []]);

  await done(shell, printedBelow(migrated, 'To undo it:'), 'undo');
  expect([methods(world, one), lost(world)]).toEqual([['irsa'], []]);
});

it.each<[string, string, string, string, started?: Stage[]]>([
  ['a SecretStore', 'secret-store', 'orders-prod', `--accept consumer:${STORE}`, ['accept', 'undo']],
  ['custom resources that the service may not read', 'consumers-unread', 'orders-test', UNREAD],
])(
  'the commands after a refused retirement accept %s, remove the trust, and restore it',
  async (_, scenario, cluster, accepts, started = []) => {
    const shell = await open({ scenario, started });
    const { world, paste } = shell;
    const role = [...world.backend.sandbox.world.accounts.values()].flatMap(({ roles }) => [...roles.values()])[0]!;
    const before = role.trustPolicy;
    const migrated = await done(
      shell,
      first(
        `migrate-workload --cluster ${cluster} --namespace shop --service-account orders --annotation remove ${accepts}`,
      ),
    );
    const retire = printedBelow(migrated, "To see whether the role's OIDC trust can be removed, some days later:");

    const refused = await paste(`${retire} --soak-days 0`);
    expect(refused).toMatchObject({ code: 3, out: containing('retire-consumers') });
    const accepting = printedBelow(refused.out, 'If you accept what these checks name, check again:');
    expect(`${accepting} `).toContain(` ${accepts} `);
    const checked = await done(shell, accepting, 'accept');
    expect(role.trustPolicy).toBe(before);

    const applied = await done(shell, printedBelow(checked, 'To apply it:'), 'carry out');
    expect(role.trustPolicy).not.toContain('AssumeRoleWithWebIdentity');
    expect(methods(world, { account: ORDERS })).toEqual(['pod-identity']);

    await done(shell, printedBelow(applied, 'To undo it:'), 'undo');
    expect(JSON.parse(role.trustPolicy)).toEqual(JSON.parse(before));
  },
);
