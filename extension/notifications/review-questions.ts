import type { TownSnapshot } from '../../shared/channel/views.ts';

export interface ReviewQuestion {
  root: string;
  rig: string;
}

/**
 * Decides which rigs the user is asked about: for each content once, and one question about a rig at a time. While its
 * settings are being written there is a new content with every save, and what the question leads to shows the newest.
 */
export class ReviewQuestions {
  /** Contents that need no question any more. */
  private readonly settled = new Set<string>();
  private readonly open = new Set<string>();

  /** The questions to ask now; each is open until it is closed. */
  take(snapshot: TownSnapshot | undefined): ReviewQuestion[] {
    const questions: ReviewQuestion[] = [];
    for (const { name, toReview } of snapshot?.rigs ?? []) {
      const question = { root: snapshot!.root, rig: name };
      if (toReview === undefined || this.open.has(keyOf(question)) || this.settled.has(keyOf(question, toReview)))
        continue;
      this.open.add(keyOf(question));
      this.settled.add(keyOf(question, toReview));
      questions.push(question);
    }
    return questions;
  }

  /** It was answered, or has gone. `looked`: with that the user looks at what the town's rig brings now. */
  close(question: ReviewQuestion, snapshot: TownSnapshot | undefined, looked: boolean): void {
    this.open.delete(keyOf(question));
    const rig = snapshot?.root === question.root ? snapshot.rigs.find(({ name }) => name === question.rig) : undefined;
    if (looked && rig?.toReview !== undefined) this.settled.add(keyOf(question, rig.toReview));
  }
}

const keyOf = ({ root, rig }: ReviewQuestion, content = ''): string => [root, rig, content].join('\n');
