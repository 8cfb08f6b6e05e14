/**
 * Kubernetes versions that the catalogue covers. Dates: EKS User Guide, "Amazon EKS Kubernetes release calendar";
 * platform versions: endoflife.date/amazon-eks, as of the end of January 2026, and the first one of later versions.
 */
export interface ClusterVersion {
  version: string;
  /** Platform version that a new cluster got in January 2026, or when the version was released. */
  platformVersion: string;
  /** Dates as YYYY-MM-DD; support ends at the start of the day (UTC). */
  released: string;
  endOfStandardSupport: string;
  endOfExtendedSupport: string;
}

/** Oldest first. */
export const CLUSTER_VERSIONS: readonly ClusterVersion[] = [
  {
    version: '1.29',
    platformVersion: 'eks.61',
    released: '2024-01-23',
    endOfStandardSupport: '2025-03-23',
    endOfExtendedSupport: '2026-03-23',
  },
  {
    version: '1.30',
    platformVersion: 'eks.58',
    released: '2024-05-23',
    endOfStandardSupport: '2025-07-23',
    endOfExtendedSupport: '2026-07-23',
  },
  {
    version: '1.31',
    platformVersion: 'eks.50',
    released: '2024-09-26',
    endOfStandardSupport: '2025-11-26',
    endOfExtendedSupport: '2026-11-26',
  },
  {
    version: '1.32',
    platformVersion: 'eks.34',
    released: '2025-01-23',
    endOfStandardSupport: '2026-03-23',
    endOfExtendedSupport: '2027-03-23',
  },
  {
    version: '1.33',
    platformVersion: 'eks.27',
    released: '2025-05-29',
    endOfStandardSupport: '2026-07-29',
    endOfExtendedSupport: '2027-07-29',
  },
  {
    version: '1.34',
    platformVersion: 'eks.13',
    released: '2025-10-02',
    endOfStandardSupport: '2026-12-02',
    endOfExtendedSupport: '2027-12-02',
  },
  {
    version: '1.35',
    platformVersion: 'eks.3',
    released: '2026-01-27',
    endOfStandardSupport: '2027-03-27',
    endOfExtendedSupport: '2028-03-27',
  },
  {
    version: '1.36',
    platformVersion: 'eks.1',
    released: '2026-06-02',
    endOfStandardSupport: '2027-08-02',
    endOfExtendedSupport: '2028-08-02',
  },
];

/** Returns the versions that EKS had released by `time` (milliseconds since 1970), oldest first. */
export const releasedBy = (time: number): ClusterVersion[] =>
  CLUSTER_VERSIONS.filter(({ released }) => Date.parse(released) <= time);
