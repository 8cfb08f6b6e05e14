/** `--deployed` with a stack that is not completely there, which the sandbox does not simulate. */
import { CloudFormationClient, DescribeStacksCommand, StackStatus } from '@aws-sdk/client-cloudformation';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { CliError } from '../../cli/errors.ts';
import { findService } from '../../cli/deployed-stack.ts';
import { TARGET } from '../end-to-end/fixture.ts';
import { expectError } from '../lambdas/matchers.ts';

describe('a stack in a status', () => {
  const cloudformation = mockClient(CloudFormationClient);
  afterEach(() => cloudformation.reset());
  // Test files share their process: the real clients must work in the next one.
  afterAll(() => cloudformation.restore());
  const OUTPUT = { OutputKey: 'ApiUrl', OutputValue: 'https://a1b2.execute-api.eu-west-1.amazonaws.com/v1' };
  const find = (status: string, reason?: string, outputs = [OUTPUT]) => {
    cloudformation.on(DescribeStacksCommand).resolves({
      Stacks: [
        {
          StackName: 'PodIdentityMigrator',
          StackId: `arn:aws:cloudformation:eu-west-1:${TARGET.account}:stack/PodIdentityMigrator/1`,
          CreationTime: new Date(0),
          StackStatus: status as StackStatus,
          ...(reason === undefined ? {} : { StackStatusReason: reason }),
          Outputs: outputs,
        },
      ],
    });
    return findService({}, { AWS_REGION: 'eu-west-1' }, 'service');
  };

  it.each(Object.values(StackStatus))('%s is used, or reported with the command that shows why', async (status) => {
    const usable = /^(?:CREATE|UPDATE|IMPORT|UPDATE_ROLLBACK|IMPORT_ROLLBACK)_COMPLETE/.test(status);
    // The former version still works while a stack that exists is changed.
    const changing = /^(?:UPDATE|UPDATE_ROLLBACK|IMPORT|IMPORT_ROLLBACK)_IN_PROGRESS$/.test(status);
    const found = await find(status).then(
      ({ POD_IDENTITY_API_URL: url }) => ({ url }),
      (error: CliError) => ({ name: error.name, exitCode: error.exitCode, message: error.message, hint: error.hint }),
    );
    const refused = {
      name: 'StackNotUsable',
      exitCode: 2,
      message: `stack PodIdentityMigrator in account ${TARGET.account}, eu-west-1 has the status ${status}: ${status.startsWith('DELETE') ? 'the service is being removed, or was' : 'the service is not completely deployed'}`,
      hint: 'To see what happened: aws cloudformation describe-stack-events --stack-name PodIdentityMigrator --region eu-west-1',
    };
    expect(found).toEqual(usable || changing ? { url: OUTPUT.OutputValue } : refused);
  });

  it('that failed is reported with its reason, made printable', async () => {
    await expect(find('ROLLBACK_COMPLETE', 'Resource creation cancelled\u001B[2J')).rejects.toThrow(
      /ROLLBACK_COMPLETE \(Resource creation cancelled\S+\): the service is not completely deployed/,
    );
    await expect(find('DELETE_FAILED')).rejects.toThrow('the service is being removed, or was');
  });

  it('that has no outputs yet does not contain the service', () =>
    expectError(find('CREATE_COMPLETE', undefined, []), 'NotTheService', 'has no output StateMachineArn'));
});
