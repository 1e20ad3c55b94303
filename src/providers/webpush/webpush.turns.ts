import { LANES, type Lane } from '../provider.js';

/** Messages encrypted in one turn of the event loop, about 2.5 ms of work: answers and other lanes wait no longer. */
const PER_TURN = 16;

/**
 * Spreads work over turns of the event loop. A window of 200 messages would hold it for 30 ms otherwise, and not one of them
 * would be on its way before the last is encrypted. What comes alone starts at once.
 */
export class Turns {
  private left = PER_TURN;
  private isTurnEnding = false;
  private readonly waiting: Record<Lane, (() => void)[]> = { critical: [], normal: [], bulk: [] };

  /** Starts `work` now or in one of the next turns. In each turn every lane has its share. */
  run(lane: Lane, work: () => void): void {
    this.endTurnSoon();
    if (this.left > 0 && this.waiting[lane].length === 0) {
      this.left -= 1;
      work();
    } else {
      this.waiting[lane].push(work);
    }
  }

  private endTurnSoon(): void {
    if (this.isTurnEnding) return;
    this.isTurnEnding = true;
    setImmediate(() => this.nextTurn());
  }

  private nextTurn(): void {
    this.isTurnEnding = false;
    this.left = PER_TURN;
    const lanes = LANES.filter((lane) => this.waiting[lane].length > 0);
    if (lanes.length === 0) return;
    // Before any work, so that one that throws holds up nobody.
    this.endTurnSoon();
    const share = Math.ceil(PER_TURN / lanes.length);
    for (const lane of lanes) this.work(this.waiting[lane], share);
  }

  private work(queue: (() => void)[], count: number): void {
    for (let done = 0; done < count; done += 1) {
      const work = queue.shift();
      if (work === undefined) return;
      this.left -= 1;
      work();
    }
  }
}
