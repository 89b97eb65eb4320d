/**
 * A session to try alone: made-up people who live in this tab, each with a worker of their own as any party has.
 * They join by the invitation, say yes to everything, and type numbers. Nothing of them is kept.
 */
import type { Session, SessionEvent } from "../../core/protocol";

export class Companion {
  private session: Session | undefined;
  private over = false;

  constructor(
    private readonly name: string,
    open: () => Session | Promise<Session>,
    private readonly invitation: string,
  ) {
    void Promise.resolve(open()).then((session) => {
      this.session = session;
      if (this.over) session.close();
      session.subscribe((event) => this.happen(event));
    });
  }

  close(): void {
    this.over = true;
    this.session?.close();
  }

  private happen(event: SessionEvent): void {
    const { session } = this;
    if (event.event === "ready") session?.send({ do: "join", name: this.name, invitation: this.invitation, pseudonym: true });
    if (event.event === "question" && (event.what === "accept" || event.what === "program")) session?.send({ do: "accept" });
    if (event.event === "input" && event.waiting) session?.send({ do: "type_line", line: String(made()) });
    if (event.event === "ended" || event.event === "broken" || event.event === "rejected") this.close();
  }
}

/** A number that fits most questions: a salary, a bid. */
const made = (): number => 2000 + 10 * Math.floor(Math.random() * 200);
