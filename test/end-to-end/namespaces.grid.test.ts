/** The namespace of an add-on, and what a create names, in each world of what EKS may show and refuse. */
import { describeNamespaces } from './namespaces.ts';

describeNamespaces((worlds) => worlds);
