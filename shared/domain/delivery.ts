/** Text to be put before the model. */
export interface Delivery {
  /** Names it: the id of its first entry. */
  id: string;
  /** Has the mark of every entry that it carries. */
  text: string;
  /** Ids of its entries where it carries several; each gets a receipt of its own. */
  carries?: readonly string[];
  /** What and whose it is, with all marks, a line for each entry: said beside the file where a long text goes by a file. */
  heading?: string;
}

/** Pure. The message ids that a delivery's receipt stands for. */
export const entriesOf = ({ id, carries }: Pick<Delivery, 'id' | 'carries'>): readonly string[] => carries ?? [id];

/** Pure. How an entry can be found again in what the agent program has recorded. */
export const deliveryMark = (id: string): string => `[gt ${id}]`;
