/** The README of a recorded corpus. */

export interface Recording {
  version: string;
  /** The version whose requests were sent. */
  source: string;
  release: string;
  etcd: string;
  requests: number;
  date: Date;
}

export const readmeOf = ({ version, source, release, etcd, requests, date }: Recording): string =>
  `# Answers of Kubernetes ${version}

Made by \`npm run conformance -- kubernetes --version ${version} --record FOLDER\`. The files, the names of callers and the \`\${…}\` of requests are those of [${source}](../${source}/README.md), whose requests were sent again. To see what differs in the sandbox, run \`node conformance/kubernetes/golden/main.ts --version ${version}\`.

| file | what |
| --- | --- |
| \`corpus.json\` | ${requests} requests, in the order in which they were sent, each with the real answer. One a line |
| \`start.json\` | when the scenario starts: that of ${source}, with a cluster of version ${version} |
| \`setup.json\` | the group \`lab-makers\`, which is in addition to the scenario |
| \`reasons.json\` | where the sandbox answers otherwise, and why |

## The server

kube-apiserver, kube-controller-manager and kube-scheduler ${release} and etcd ${etcd}, built from source and started as \`conformance/kubernetes/plane\` does it. Recorded on ${date.toISOString().slice(0, 10)}, loopback only.

The scenario was opened on it as for the comparison of migrations (docs/conformance-kubernetes.md): the API server asked the sandbox for callers (TokenReview) and access policies (SubjectAccessReview), and called its Pod Identity webhook. The bridge played the kubelets by the sandbox's own code, so that the status of pods is the sandbox's; KWOK reported the nodes.

## How it was made

Each request was sent to the real server alone, with a token that the sandbox's STS signed. Before requests about pods, the workloads had settled: nothing had changed for 3 seconds. Changes of workloads were sent at the beginning of a second; for other requests, \`newSecond\` says that a second had begun, because the API server orders managed fields by seconds. Requests of ${source} with \`needs\` were left out. Namespaces were created by the field manager \`setup\`.

## What was taken out

The same as in ${source}. The client's own name is \`corpus\`, as it was sent: entries of managed fields are in its order. The age of an object in a table was left in.
`;
