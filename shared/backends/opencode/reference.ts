/** By what a run is found again after a host restart, and its conversation by the next run. */
export interface OpencodeReference {
  /** Which server of the town, and which process of it. */
  launch: string;
  server: string;
  session: string;
  directory: string;
}
