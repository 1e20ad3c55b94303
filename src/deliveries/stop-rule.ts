/** So many equal refusals of the content, without one acceptance, condemn the rest. */
const MAX_EQUAL_REFUSALS = 100;
/** Notifications remembered at once; the oldest are forgotten and counted anew. */
const MAX_REMEMBERED = 10_000;

/** What one provider answered to one notification in this process, as far as it decides about the rest. */
export class StopTally {
  /** The code with which the rest fails unsent, as soon as one job found out. */
  stoppedBy: string | undefined;
  private isAccepted = false;
  private readonly refusals = new Map<string, number>();

  /** Counts one answer; true exactly once, when the rest should fail unsent. */
  count(answer: 'accepted' | 'invalid', code: string): boolean {
    if (answer === 'accepted') {
      this.isAccepted = true;
      return false;
    }
    const refusals = (this.refusals.get(code) ?? 0) + 1;
    this.refusals.set(code, refusals);
    if (this.isAccepted || this.stoppedBy !== undefined || refusals < MAX_EQUAL_REFUSALS) return false;
    this.stoppedBy = code;
    return true;
  }
}

/** Decides when a notification is refused so uniformly by one provider that sending the rest would only burn quota. */
export class StopRule {
  private readonly tallies = new Map<string, StopTally>();

  /** Shared by all jobs of this process. */
  tallyOf(notificationId: string, provider: string): StopTally {
    const key = `${notificationId} ${provider}`;
    let tally = this.tallies.get(key);
    if (!tally) {
      tally = new StopTally();
      this.tallies.set(key, tally);
      const oldest = this.tallies.size > MAX_REMEMBERED ? this.tallies.keys().next().value : undefined;
      if (oldest !== undefined) this.tallies.delete(oldest);
    }
    return tally;
  }
}
