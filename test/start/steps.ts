/** The steps of the run as they happen: each is printed with its time, and kept for the report. */
export class Steps {
  readonly done: { name: string; ms: number }[] = [];

  async run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const started = performance.now();
    process.stdout.write(`• ${name} …\n`);
    try {
      const result = await work();
      const ms = Math.round(performance.now() - started);
      this.done.push({ name, ms });
      console.log(`✔ ${name}  ${(ms / 1000).toFixed(1)} s`);
      return result;
    } catch (error) {
      console.log(`✘ ${name}  ${((performance.now() - started) / 1000).toFixed(1)} s`);
      throw error;
    }
  }
}
