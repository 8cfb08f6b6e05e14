import { describe, expect, it } from 'vitest';
import { stepSchemas, type StepName } from '../../lambdas/steps/schemas.ts';
import { grantsOf } from '../../lib/migration/permissions.ts';
import { OF_PREVIOUS_RELEASE } from '../../lib/migration/state-machine.ts';
import {
  actionsOf,
  allMachines,
  machines as pausing,
  migrateAddon,
  recover,
  resolve,
  resourcesOf,
  retire,
  roleOf,
  statementsOf,
  statementsOfRole,
  stepOf,
  sweep,
} from './definition.ts';
import { words } from '../words.ts';
import { matching } from '../lambdas/matchers.ts';
import { ACTING_STEPS } from '../../lambdas/domain/steps/work.ts';

/** Their states lead to the step pause. */
const PAUSING = new Set(pausing.map(({ name }) => name));
const ofPrevious = new Map([['MigrateAddon', OF_PREVIOUS_RELEASE]]);
const STEPS = Object.keys(stepSchemas) as StepName[];
const READS = /^(eks:(Describe|List)|iam:(Get|List|Simulate))/;
const ofAws = (actions: string[]) => [...new Set(actions.filter((action) => /^(eks|iam):/.test(action)))].sort();
const mutating = (step: string): string[] => ofAws(actionsOf(step)).filter((action) => !READS.test(action));
const eks = (actions: TemplateStringsArray): string[] => words(actions).map((action) => `eks:${action}`);

describe('permissions', () => {
  it('let each step make the changes that it is for, and most of them none', () => {
    const changes = Object.fromEntries(
      STEPS.map((step) => [step, mutating(step)] as const).filter(([, actions]) => actions.length > 0),
    );
    expect(changes).toEqual({
      'install-agent': eks`CreateAddon`,
      'repair-trust': ['iam:UpdateAssumeRolePolicy'],
      'delete-addon': eks`DeleteAddon DeletePodIdentityAssociation`,
      'create-addon': [
        ...eks`CreateAddon CreatePodIdentityAssociation DeletePodIdentityAssociation TagResource`,
        'iam:PassRole',
      ],
      'update-addon': [
        ...eks`CreatePodIdentityAssociation DeletePodIdentityAssociation UpdateAddon UpdatePodIdentityAssociation`,
        'iam:PassRole',
      ],
      'create-association': [...eks`CreatePodIdentityAssociation TagResource`, 'iam:PassRole'],
      'carry-over': [...eks`TagResource UpdatePodIdentityAssociation`, 'iam:PassRole'],
      'restore-addon': [
        ...eks`
          CreateAddon CreatePodIdentityAssociation DeleteAddon DeletePodIdentityAssociation TagResource
          UpdateAddon UpdatePodIdentityAssociation
        `,
        'iam:PassRole',
      ],
      'restore-associations': [
        ...eks`CreatePodIdentityAssociation DeletePodIdentityAssociation TagResource UpdatePodIdentityAssociation`,
        'iam:PassRole',
      ],
      'retire-trust': ['iam:UpdateAssumeRolePolicy'],
    });
  });

  it('let each step read what it decides by', () => {
    const observed = eks`DescribeAddon DescribePodIdentityAssociation ListPodIdentityAssociations`;
    const andCluster = eks`
      DescribeAddon DescribeCluster DescribePodIdentityAssociation ListPodIdentityAssociations
    `;
    const associated = eks`DescribeCluster DescribePodIdentityAssociation ListPodIdentityAssociations`;
    // Who may be given a role is read directly before it is.
    const ofTrust = ['iam:GetOpenIDConnectProvider', 'iam:GetRole'];
    const ofRoles = words`
      GetOpenIDConnectProvider GetPolicy GetPolicyVersion GetRole GetRolePolicy ListAttachedRolePolicies ListRolePolicies
      SimulatePrincipalPolicy
    `.map((action) => `iam:${action}`);
    const reads = Object.fromEntries(
      STEPS.map((step) => [step, ofAws(actionsOf(step)).filter((action) => READS.test(action))]),
    );
    expect(reads).toEqual({
      plan: [
        ...eks`
          DescribeAccessEntry DescribeAddon DescribeAddonConfiguration DescribeAddonVersions DescribeCluster
          DescribeFargateProfile DescribePodIdentityAssociation ListAccessEntries ListAddons ListCapabilities
          ListFargateProfiles ListPodIdentityAssociations
        `,
        ...ofRoles,
      ],
      'request-approval': [],
      'await-window': [],
      pause: [],
      begin: [...andCluster, ...ofTrust],
      'install-agent': eks`DescribeAddon DescribeCluster`,
      'repair-trust': [...associated, ...ofTrust],
      'delete-addon': eks`DescribeAddon`,
      'await-deleted': eks`DescribeAddon`,
      'create-addon': [...andCluster, ...ofTrust],
      'update-addon': [...andCluster, ...ofTrust],
      'create-association': [...associated, ...ofTrust],
      'await-active': observed,
      'carry-over': [...associated, ...ofTrust],
      'verify-pods': andCluster,
      'restart-pods': eks`DescribeCluster`,
      'annotate-service-account': associated,
      'assess-rollback': observed,
      'restore-addon': [...andCluster, ...ofTrust],
      'restore-associations': [...andCluster, ...ofTrust],
      'take-over': [...andCluster, ...ofTrust],
      'find-stranded': [],
      finish: [...eks`DescribeAddonVersions`, ...andCluster, 'iam:GetRole'].toSorted(),
      'retire-trust': [
        ...eks`DescribeAddon DescribeCluster DescribePodIdentityAssociation ListAddons ListPodIdentityAssociations`,
        'iam:GetRole',
      ],
      api: [
        ...eks`
          DescribeAddon DescribeAddonConfiguration DescribeCluster DescribePodIdentityAssociation ListAddons
          ListPodIdentityAssociations
        `,
        'iam:GetRole',
      ],
      'publish-events': [],
      'diagnose-denial': [],
      'start-sweep': [],
      'begin-sweep': [],
      'take-inventory': [
        ...eks`
          DescribeAccessEntry DescribeAddon DescribeAddonConfiguration DescribeAddonVersions DescribeCluster
          DescribeFargateProfile DescribePodIdentityAssociation ListAccessEntries ListAddons ListCapabilities ListClusters
          ListFargateProfiles ListPodIdentityAssociations
        `,
        ...ofRoles,
      ],
      'dispatch-sweep': [],
      'report-sweep': [],
    });
  });

  it('pass roles to EKS and its pods, and to neither for anything but a cluster of this account', () => {
    const passing = STEPS.flatMap((step) =>
      statementsOf(step)
        .filter(({ actions }) => actions.includes('iam:PassRole'))
        .map(({ condition, ...rest }) => ({ step, ...rest, condition: resolve(condition) })),
    );
    const passes = (step: string) => ({
      step,
      actions: ['iam:PassRole'],
      resources: ['arn:aws:iam::111122223333:role/*'],
      condition: {
        // Which of them EKS names, sources disagree about.
        StringEquals: { 'iam:PassedToService': ['pods.eks.amazonaws.com', 'eks.amazonaws.com'] },
        ArnLikeIfExists: { 'iam:AssociatedResourceArn': 'arn:aws:eks:*:111122223333:cluster/*' },
      },
    });
    expect(passing).toEqual(
      ['create-addon', 'update-addon', 'create-association', 'carry-over', 'restore-addon', 'restore-associations'].map(
        passes,
      ),
    );
  });

  it('tag what is created with tags, by each resource that AWS may ask for, and associations that are given theirs', () => {
    const tagged = STEPS.flatMap((step) =>
      statementsOf(step)
        .filter(({ actions }) => actions.includes('eks:TagResource'))
        .map(({ resources, condition }) => ({
          step,
          resources: resources.map((resource) => resource.replace('arn:aws:eks:*:111122223333:', '')),
          condition,
        })),
    );
    const addons = ['/createaddon', 'addon/*/*/*', 'cluster/*'];
    const associations = ['/createpodidentityassociation', 'cluster/*', 'podidentityassociation/*/*'];
    const condition = { 'ForAllValues:StringEquals': { 'aws:TagKeys': ['pod-identity-migrator/migration'] } };
    expect(tagged).toEqual([
      { step: 'create-addon', resources: addons },
      { step: 'create-association', resources: associations, condition },
      { step: 'carry-over', resources: ['podidentityassociation/*/*'] },
      { step: 'restore-addon', resources: addons },
      { step: 'restore-associations', resources: associations },
    ]);
  });

  it("look after executions of this service alone, start MigrateAddon, Recover, Retire or Sweep where they have to, and stop none: that is the runbook's, and that of Sweep for its own", () => {
    const executionsOf = (machines: typeof allMachines): string[] =>
      machines.map(({ logicalId }) => `arn:aws:states:eu-west-1:111122223333:execution:${logicalId}:*`);
    const executions = executionsOf([migrateAddon, recover, retire]);
    const ofStates = STEPS.map(
      (step) =>
        [
          step,
          statementsOf(step).filter(({ actions }) => actions.some((action) => action.startsWith('states:'))),
        ] as const,
    );
    const look = { actions: ['states:DescribeExecution'], resources: executions, condition: undefined };
    expect(Object.fromEntries(ofStates.filter(([, statements]) => statements.length > 0))).toEqual({
      plan: [look],
      'take-over': [look],
      'find-stranded': [
        look,
        { actions: ['states:StartExecution'], resources: [recover.logicalId, retire.logicalId], condition: undefined },
        { actions: ['states:SendTaskFailure'], resources: [migrateAddon.logicalId], condition: undefined },
      ],
      // No task of another state machine.
      api: [
        { ...look, resources: executionsOf([migrateAddon, recover, retire, sweep]) },
        {
          actions: ['states:StartExecution'],
          resources: [migrateAddon.logicalId, recover.logicalId, retire.logicalId, sweep.logicalId],
          condition: undefined,
        },
        {
          actions: ['states:SendTaskFailure', 'states:SendTaskSuccess'],
          resources: [migrateAddon.logicalId, retire.logicalId],
          condition: undefined,
        },
      ],
      'diagnose-denial': [
        { actions: ['states:StartExecution'], resources: [migrateAddon.logicalId], condition: undefined },
      ],
      'start-sweep': [{ actions: ['states:StartExecution'], resources: [sweep.logicalId], condition: undefined }],
      'dispatch-sweep': [
        look,
        {
          actions: ['states:StartExecution'],
          resources: [migrateAddon.logicalId, sweep.logicalId],
          condition: undefined,
        },
      ],
    });
    const stopping = resourcesOf('AWS::IAM::Policy').filter(([, { Properties }]) =>
      JSON.stringify(Properties).includes('StopExecution'),
    );
    expect(stopping.map(([name]) => name)).toEqual([
      matching(/^SweepStateMachineDistributedMapPolicy/),
      matching(/^RunbookRole/),
    ]);
    const stops = statementsOfRole(
      (sweep.properties.RoleArn as { 'Fn::GetAtt': [string, string] })['Fn::GetAtt'][0],
    ).filter(({ actions }) => actions.includes('states:StopExecution'));
    expect(stops.map(({ resources }) => resources)).toEqual([executionsOf([sweep])]);
  });

  it("ask IAM's simulation about the steps that change something in EKS, and about the roles of nodes", () => {
    const current = STEPS.filter((step) => !OF_PREVIOUS_RELEASE.includes(step));
    const changing = current.filter((step) => mutating(step).some((action) => action.startsWith('eks:')));
    expect(ACTING_STEPS.toSorted()).toEqual(changing.toSorted());
    const asking = statementsOf('plan').filter(({ actions }) => actions.includes('iam:SimulatePrincipalPolicy'));
    expect(asking.map(({ resources }) => resources)).toEqual([[matching(/:iam::[^:]+:role\/\*$/)]]);
  });

  it.each(STEPS)('name for %s each action, and resources of this account', (step) => {
    const statements = statementsOf(step);
    expect(statements.flatMap(({ actions }) => actions).filter((action) => action.includes('*'))).toEqual([]);
    // Those for which IAM knows no resource.
    const unscoped =
      /^(xray:Put(TraceSegments|TelemetryRecords)|eks:(ListClusters|DescribeAddon(Versions|Configuration)))$/;
    const everywhere = statements.filter(({ resources }) => resources.includes('*')).flatMap(({ actions }) => actions);
    expect(everywhere.filter((action) => !unscoped.test(action))).toEqual([]);
    const ofServices = statements
      .flatMap(({ resources }) => resources)
      .filter((resource) => /:(eks|iam|states):/.test(resource));
    // Of those in other accounts the condition says which.
    const assumed = statements
      .filter(({ actions }) => actions.includes('sts:AssumeRole'))
      .flatMap(({ resources }) => resources);
    expect(ofServices.filter((resource) => !resource.includes(':111122223333:')).toSorted()).toEqual(
      assumed.toSorted(),
    );
  });

  it("let each step do in the ledger what it does there, in the ledger's table alone", () => {
    const [[table]] = resourcesOf('AWS::DynamoDB::Table') as [[string, unknown]];
    const ofLedger = (step: string) =>
      statementsOf(step).filter(({ actions }) => actions.some((action) => action.startsWith('dynamodb:')));
    const indexes: Record<string, string[]> = {
      'find-stranded': ['HeldLocks'],
      'publish-events': ['Pending'],
      api: ['ByAccount', 'ByAddon', 'ByCluster', 'ByClusterName', 'ByOutcome', 'ByRequester', 'ByStatus', 'ByTime'],
      'begin-sweep': ['ByTime'],
    };
    for (const step of STEPS) {
      const resources = ofLedger(step).flatMap((statement) =>
        statement.resources.map((resource) => resource.split(':').at(-1)),
      );
      // A write of a sweep is a statement of its own.
      expect([...new Set(resources)], `of ${step}`).toEqual([
        table,
        ...(indexes[step] ?? []).map((index) => `${table}/index/${index}`),
      ]);
    }
    const initials = { Query: 'Q', GetItem: 'G', PutItem: 'P', UpdateItem: 'U', DeleteItem: 'D' };
    const called = (step: string): string =>
      Object.entries(initials)
        .flatMap(([call, initial]) =>
          ofLedger(step)
            .flatMap(({ actions }) => actions)
            .includes(`dynamodb:${call}`)
            ? [initial]
            : [],
        )
        .join('');
    expect(Object.fromEntries(STEPS.map((step) => [step, called(step)]))).toEqual({
      plan: 'QGPU',
      'request-approval': 'QPU',
      'await-window': 'QU',
      pause: 'QU',
      begin: 'QGPU',
      'install-agent': 'QGU',
      'repair-trust': 'QGPU',
      'delete-addon': 'QGU',
      'await-deleted': 'QU',
      'create-addon': 'QGPU',
      'update-addon': 'QGPU',
      'create-association': 'QGPU',
      'await-active': 'QPU',
      'carry-over': 'QGPU',
      'verify-pods': 'QPU',
      'restart-pods': 'QGU',
      'annotate-service-account': 'QGU',
      'assess-rollback': 'QGU',
      'restore-addon': 'QGPU',
      'restore-associations': 'QGPU',
      'take-over': 'QGU',
      'find-stranded': 'QU',
      finish: 'QU',
      'retire-trust': 'QGPU',
      api: 'QGPU',
      'publish-events': 'QGU',
      'diagnose-denial': 'QGPU',
      'start-sweep': 'QP',
      'begin-sweep': 'QPU',
      'take-inventory': 'QPU',
      'dispatch-sweep': 'QGPUD',
      'report-sweep': 'QU',
    });
    expect(
      STEPS.flatMap(ofLedger)
        .flatMap(({ actions }) => actions)
        .filter((action) => !(action.replace('dynamodb:', '') in initials)),
    ).toEqual([]);
  });

  it('let the steps of sweeps write in the partitions of sweeps and of the shared pace alone, and nobody else delete an item', () => {
    const writes = (step: string) =>
      statementsOf(step).filter(({ actions }) =>
        actions.some((action) => /^dynamodb:(Put|Update|Delete)Item$/.test(action)),
      );
    const ofSweeps = STEPS.filter(
      (step) =>
        writes(step).length > 0 &&
        writes(step).every(({ actions, condition }) => {
          const isPaced = step === 'take-inventory' && actions.includes('dynamodb:UpdateItem');
          return (
            JSON.stringify(condition) ===
            JSON.stringify({
              'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': isPaced ? 'PACE#*' : 'SWEEP#*' },
              Null: { 'dynamodb:LeadingKeys': 'false' },
            })
          );
        }),
    );
    expect(ofSweeps).toEqual(['start-sweep', 'begin-sweep', 'take-inventory', 'dispatch-sweep', 'report-sweep']);
    expect(STEPS.filter((step) => actionsOf(step).includes('dynamodb:DeleteItem'))).toEqual(['dispatch-sweep']);
  });

  it("let three steps, and the state machine Sweep, use the bucket of sweeps, and nobody another one's", () => {
    const [[bucket]] = resourcesOf('AWS::S3::Bucket') as [[string, unknown]];
    const arn = `arn:aws:lambda:eu-west-1:111122223333:function:${bucket}`;
    const ofS3 = (role: string) =>
      statementsOfRole(role)
        .filter(({ actions }) => actions.some((action) => action.startsWith('s3:')))
        .flatMap(({ actions, resources }) =>
          actions.flatMap((action) => resources.map((resource) => [action, resource.replace(arn, 'BUCKET')])),
        );
    expect(
      Object.fromEntries(
        STEPS.map((step) => [step, ofS3(roleOf(step))] as const).filter(([, rights]) => rights.length > 0),
      ),
    ).toEqual({
      'begin-sweep': [['s3:PutObject', 'BUCKET/sweeps/*/locations.json']],
      'take-inventory': [
        ['s3:PutObject', 'BUCKET/sweeps/*/inventory/*'],
        ['s3:PutObject', 'BUCKET/sweeps/*/progress/*'],
        ['s3:GetObject', 'BUCKET/sweeps/*/progress/*'],
      ],
      'report-sweep': [
        ['s3:PutObject', 'BUCKET/sweeps/*/report.*'],
        ...['inventory/*', 'locations.json', 'report.json'].map((key) => ['s3:GetObject', `BUCKET/sweeps/*/${key}`]),
        ['s3:ListBucket', 'BUCKET'],
      ],
    });
    expect(ofS3((sweep.properties.RoleArn as { 'Fn::GetAtt': [string] })['Fn::GetAtt'][0])).toEqual([
      ...['s3:AbortMultipartUpload', 's3:GetObject', 's3:ListMultipartUploadParts', 's3:PutObject'].map((action) => [
        action,
        'BUCKET/sweeps/*/map/*',
      ]),
      ['s3:GetObject', 'BUCKET/sweeps/*/locations.json'],
    ]);
  });

  it('have a reason each, in a clause', () => {
    const options = {
      accounts: ['444455556666'],
      tableArn: 'arn:table',
      bucketArn: 'arn:bucket',
      passableRoleArns: ['arn:role'],
      repairableRoleArns: ['arn:role'],
      comparesApprovers: true,
    };
    for (const [step, { why, actions, resources }] of STEPS.flatMap((one) =>
      grantsOf(one, options).map((grant) => [one, grant] as const),
    )) {
      expect(why, `${step} ${actions.join(', ')}`).toMatch(/^[a-zA-Z].{15,160}[^.]$/);
      expect([...actions, ...resources].length, `${step}: ${why}`).toBeGreaterThan(1);
    }
  });

  it.each(allMachines)(
    'let $name call its steps alone, and an execution in flight the versions that it began with',
    ({ name: machine, properties, tasks }) => {
      const role = (properties.RoleArn as { 'Fn::GetAtt': [string] })['Fn::GetAtt'][0];
      const invoked = statementsOfRole(role)
        .filter(({ actions }) => actions.includes('lambda:InvokeFunction'))
        .flatMap(({ resources }) => resources);
      const also = [...(PAUSING.has(machine) ? ['pause'] : []), ...(ofPrevious.get(machine) ?? [])];
      const called = new Set([...tasks.map(([, state]) => stepOf(state)), ...also]);
      for (const [name, { Properties }] of resourcesOf('AWS::Lambda::Function')) {
        const step = String(Properties.Handler).replace('.handler', '');
        const isCalled = invoked.some((resource) => resource.endsWith(`:${name}:*`));
        expect({ step, isCalled }).toEqual({ step, isCalled: called.has(step) });
      }
    },
  );
});
