/**
 * What a plan blocks because of the software in the pods, accepted and migrated: each command is pasted into a shell as the
 * command before has printed it, and the pods are judged by the sandbox's EKS Auth and STS.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { readScenario } from '../../sandbox/world/load.ts';
import type { ScenarioCluster } from '../../sandbox/world/scenario.ts';
import { ADDON, scenarioFile } from './fixture.ts';
import { NEW_SDK, podsHave } from './judged.ts';
import { PACE, serveHere, type ServedHere } from './served.ts';
import { OpenWorld } from './world.ts';

let served: ServedHere | undefined;
afterEach(async () => {
  await served?.close();
  served = undefined;
});

interface Case {
  title: string;
  scenario: string;
  change?: (cluster: ScenarioCluster) => void;
  account: { namespace: string; name: string };
  /** What a person types first. */
  command: string;
  check: string;
  accepts: string;
}

const EBS_IMAGE = 'public.ecr.aws/ebs-csi-driver/aws-ebs-csi-driver:v1.20.0';
const CASES: Case[] = [
  {
    title: 'an image of a service account that is built with a newer SDK than its tag says',
    scenario: 'old-sdk-known-image',
    account: { namespace: 'dns', name: 'external-dns' },
    command: 'migrate-workload --cluster reports-prod --namespace dns --service-account external-dns',
    check: 'aws-sdk-version',
    accepts: '--accept-image 111122223333.dkr.ecr.eu-west-1.amazonaws.com/mirror/external-dns:v0.13.6',
  },
  {
    title: 'a container of a service account whose SDK ignores AWS_PROFILE',
    scenario: 'unknown-credentials',
    account: { namespace: 'reports', name: 'dashboard' },
    command: 'migrate-workload --cluster reports-prod --namespace reports --service-account dashboard',
    check: 'unknown-credentials',
    accepts: '--accept-unknown-credentials dashboard/dashboard',
  },
  {
    title: 'an image of an add-on that is built with a newer SDK than its tag says',
    scenario: 'in-place',
    change: ({ addons }) => {
      const addon = addons.find(({ name }) => name === ADDON)!;
      addon.software = [{ workload: 'ebs-csi-controller', container: 'ebs-plugin', image: EBS_IMAGE, sdk: NEW_SDK }];
    },
    account: { namespace: 'kube-system', name: 'ebs-csi-controller-sa' },
    command: `migrate --cluster catalogue-prod --addon ${ADDON}`,
    check: 'aws-sdk-version',
    accepts: `--accept-image ${EBS_IMAGE}`,
  },
];

/** Returns the command that an output prints below this line. */
const printedBelow = (out: string, line: string): string => {
  const lines = out.split('\n');
  const command = lines[lines.indexOf(line) + 1]?.trim();
  expect(lines).toContain(line);
  return command ?? '';
};
const methods = (world: OpenWorld, { account }: Case): string[] => [
  ...new Set(podsHave(world, account).flatMap(({ gets }) => gets.map((one) => one.split(' ')[0]!))),
];

describe('the commands after a blocked plan', () => {
  it.each(CASES)('accept $title, and lead to a migration and back', async (one) => {
    const scenario = await readScenario(scenarioFile(one.scenario));
    one.change?.(scenario.accounts[0]!.clusters[0]!);
    served = await serveHere(scenario, PACE);
    const { run } = served;
    const world = new OpenWorld(served.backend, scenario);
    const paste = (command: string) => run('bash', ['-e', '-c', command]);

    const blocked = await paste(`npm run --silent pod-identity -- ${one.command} --deployed`);
    expect(blocked).toMatchObject({ code: 3, out: expect.stringContaining(one.check) as unknown });
    expect(world.changes()).toEqual([]);

    const accepting = printedBelow(
      blocked.out,
      'If you know that the software uses EKS Pod Identity, accept it and plan again:',
    );
    expect(accepting).toContain(` ${one.accepts} `);
    const planned = await paste(accepting);
    expect({ command: accepting, ...planned }).toMatchObject({ code: 0 });
    expect(world.changes()).toEqual([]);
    expect(methods(world, one)).toEqual(['irsa']);

    const carryOut = printedBelow(planned.out, 'To carry out the plan:');
    const migrated = await paste(carryOut);
    expect({ command: carryOut, ...migrated }).toMatchObject({
      code: 0,
      out: expect.stringContaining('verified: ready (stable; use of the credentials not observed)') as unknown,
    });
    expect(methods(world, one)).toEqual(['pod-identity']);

    const undo = printedBelow(migrated.out, 'To undo it:');
    expect({ command: undo, ...(await paste(undo)) }).toMatchObject({ code: 0 });
    expect(methods(world, one)).toEqual(['irsa']);
  });
});
