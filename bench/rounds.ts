/**
 * Measures the contenders in turn, A B C A B C …, so that whatever else the machine does meanwhile meets all of them.
 *
 * @returns each contender's measurements, `rounds` many; a contender that failed has the reason instead, and is not
 *   measured again
 */
export async function interleave<Name extends string, Result>(
  rounds: number,
  contenders: Readonly<Record<Name, () => Promise<Result>>>,
  onMeasured: (name: Name, round: number, result: Result) => void = () => {},
): Promise<Record<Name, Result[] | Error>> {
  const names = Object.keys(contenders) as Name[];
  const results = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, Result[] | Error>;
  for (let round = 1; round <= rounds; round += 1) {
    for (const name of names) {
      const measured = results[name];
      if (measured instanceof Error) continue;
      try {
        const result = await contenders[name]();
        measured.push(result);
        onMeasured(name, round, result);
      } catch (error) {
        results[name] = error instanceof Error ? error : new Error(String(error));
      }
    }
  }
  return results;
}
