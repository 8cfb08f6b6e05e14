import type { App } from 'aws-cdk-lib';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';

/** Rule and construct of each finding of cdk-nag's. */
export const nagFindingsOf = (app: App): string[] =>
  [new AwsSolutionsChecks(app), new ServerlessChecks(app)].flatMap((pack) =>
    pack
      .validateScope(app)
      .violations.flatMap(({ ruleName, violatingResources }) =>
        violatingResources.map(
          ({ ...resource }) => `${ruleName} ${'constructPath' in resource ? String(resource.constructPath) : ''}`,
        ),
      ),
  );
