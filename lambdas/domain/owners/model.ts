/** Zod schemas of owners: the tools whose code, or whose controllers, define what a migration changes. */
import { z } from 'zod';
import { schemaNames } from '../text/schemas.ts';
import { shownText } from '../text/text.ts';

/** `cluster-api` is Cluster API Provider AWS. `kro` creates the resources of other controllers. */
export const OWNER_TOOLS = [
  'terraform',
  'pulumi',
  'cloudformation',
  'cdk',
  'eksctl',
  'ack',
  'crossplane',
  'cluster-api',
  'kro',
  'argo-cd',
  'flux',
  'helm',
] as const;
export const ownerTool = z.enum(OWNER_TOOLS);
export type OwnerTool = z.infer<typeof ownerTool>;

/** What an owner defines. `trust-policy` is separate from `role`, since a tool may own the one without the other. */
const ownedThing = z.enum(['add-on', 'association', 'role', 'trust-policy', 'annotation']);
export type OwnedThing = z.infer<typeof ownedThing>;

export const owner = z
  .object({
    owns: ownedThing.describe('What the tool defines.'),
    name: shownText.describe(
      'Name of the add-on, id of the association, ARN of the role, or `namespace/name` of the service account.',
    ),
    tool: ownerTool.describe('The tool.'),
    sure: z
      .enum(['certain', 'likely', 'stated'])
      .describe(
        'How sure that is. `certain`: by a tag, label or field manager that only the tool sets. `likely`: by convention. `stated`: by the request.',
      ),
    reverts: z
      .enum(['by-itself', 'at-next-apply'])
      .describe('When the tool undoes a change that is not in its code. `by-itself`: a controller, without an apply.'),
    evidence: shownText.describe('What shows it, such as a tag with its value.'),
    managedByAws: z
      .literal(true)
      .optional()
      .describe('True if AWS runs the controller outside of the cluster, as an EKS capability.'),
  })
  .register(schemaNames, { name: 'Owner' });
export type Owner = z.infer<typeof owner>;
