"""Every question on a pseudo-terminal: typed ahead, Enter alone, half a word, no, Ctrl-C, end of input."""

import dataclasses
import re
import termios
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from huddle import events
from tests.unit.cli.terminal.desk import ADA, BOB, PROGRAM, WORDS
from tests.unit.cli.terminal.table import Table

pytestmark = pytest.mark.timeout(120)

ME = events.Party("Me", "did:key:me", "admitted", "self", 0)
KNOCK = (events.Party("Bob", "did:bob", "waiting"), events.Question("admit", "Bob", "did:bob"))
ACCEPT = (ME, replace(BOB, pid=1), PROGRAM, WORDS, events.Question("accept", "Ada", "did:ada"))
LATER = (ADA, replace(PROGRAM, run=2), events.Question("program", "Ada", "did:ada"))
AGAIN = (events.Question("again"),)
HELD = (replace(BOB, pid=1), events.Question("lobby"))
WAITING = (events.Invitation("https://huddle.example/j#abc", "1234-a-b"),)
GROUPS = (replace(BOB, state="waiting", pid=1), events.Question("deal"))


@dataclasses.dataclass(frozen=True)
class Asking:
    """A question: the events that lead to it, how it reads, the answers yes and no, and what they decide."""

    told: tuple[events.Event, ...]
    reads: str
    yes: str
    decides: str
    no: str
    declines: str
    end: str  # what the end of input decides
    role: str = "host"


QUESTIONS = {
    "admit": Asking(KNOCK, "Let Bob in?", "y", "admit", "n", "refuse", "refuse"),
    "host": Asking(ACCEPT, "Then start.", "nobody", "heard", "n", "decline", "decline"),
    "guest": Asking(
        ACCEPT, "Then run the program", "nobody", "heard", "n", "decline", "decline", role="guest"
    ),
    "program": Asking(
        LATER, "Run this program here?", "y", "accept", "n", "decline", "decline", role="guest"
    ),
    "again": Asking(AGAIN, "Once more?", "y", "again", "q", "finish", "finish"),
    "held": Asking(HELD, "Try again?", "y", "propose", "q", "leave", "leave", role="lobby"),
    "lobby": Asking(WAITING, "While you wait", "c", "new_code", "q", "leave", "leave", role="lobby"),
    "class": Asking(GROUPS, "Deal the groups?", "all", "deal", "q", "leave", "leave", role="class"),
}
NEW_WORDS = events.Words(("five", "six", "seven", "eight"), 2)
Seat = Callable[..., Table]
Asked = Callable[[str], tuple[Table, Asking]]


@pytest.fixture
def sit() -> Iterator[Seat]:
    taken: list[Table] = []

    def one(*args: int, **more: str) -> Table:
        taken.append(Table(*args, **more))  # type: ignore[arg-type]
        return taken[-1]

    yield one
    for table in taken:
        table.close()


@pytest.fixture(params=["painted", "plain"])
def asked(request: pytest.FixtureRequest, sit: Seat) -> Asked:
    """A terminal, and one of the questions, which is not asked yet."""

    def one(name: str) -> tuple[Table, Asking]:
        question = QUESTIONS[name]
        plain = {"HUDDLE_PLAIN": "1"} if request.param == "plain" else {}
        return sit(80, 40, role=question.role, **plain), question

    return one


@pytest.mark.parametrize("name", QUESTIONS)
def test_what_was_typed_before_the_question_stood_answers_nothing(name: str, asked: Asked) -> None:
    table, question = asked(name)
    table.tell(events.Notice("the others are awaited"))
    table.until("awaited")
    table.type(f"{question.yes}\n{question.no}\n{question.yes}")  # the last without Enter
    table.tell(*question.told)
    table.until(question.reads)
    table.insist("\n", "Nothing is decided yet")  # Enter, which would make an answer of it
    assert table.undecided
    table.type(f"{question.no}\n")
    assert table.decision()[0] == question.declines


@pytest.mark.parametrize("name", QUESTIONS)
def test_of_an_answer_that_is_typed_three_times_the_next_question_gets_nothing(
    name: str, asked: Asked
) -> None:
    table, question = asked(name)
    table.tell(*question.told)
    table.until(lambda text: question.reads in text and text.endswith(">"))
    table.type(f"{question.yes}\n" * 3)
    first = table.decision()
    if first[0] == "heard":
        assert table.decision() == ["accept"]
    table.tell(events.Notice("and now another"))
    following, reads = question.told, question.reads
    if name not in ("guest", "program", "class", "lobby"):
        following = (events.Party("Cyd", "did:cyd", "waiting"), events.Question("admit", "Cyd", "did:cyd"))
        reads = "Let Cyd in?"
    table.tell(*(() if name == "lobby" else following))  # the lobby's comes by itself
    if name != "lobby":
        # The question before reads alike: what counts stands below the notice.
        table.until(lambda text: reads in text.partition("another")[2] and text.endswith(">"))
    table.insist("\n", "Nothing is decided yet")
    assert table.undecided


@pytest.mark.parametrize("name", QUESTIONS)
def test_keys_in_the_moment_in_which_the_question_is_drawn_decide_once_at_most(
    name: str, asked: Asked
) -> None:
    table, question = asked(name)
    for event in question.told:
        table.tell(event)
        table.type(f"{question.no}\n")  # a no, so that a yes is never by chance
    table.until(question.reads)
    table.type(f"{question.no}\n" * 2)
    assert table.decision()[0] == question.declines and table.undecided


def test_one_screen_and_one_answer(sit: Seat) -> None:
    """People, words and program on one screen of 80x24, and one decision about them, at host and guest."""
    for name in ("host", "guest"):
        table = sit(80, 24, role=QUESTIONS[name].role)
        table.tell(*ACCEPT)
        shown = table.until(lambda text, name=name: QUESTIONS[name].reads in text and text.endswith(">"))
        for part in ("Bob", "new to you", "one   two   three   four", "a.py"):
            assert part in shown
        table.type("all\n")
        assert [table.decision()[0] for _ in range(2)] == ["heard", "accept"]
        assert table.undecided


def test_what_follows_an_answer_at_once_fills_in_no_form(asked: Asked) -> None:
    table, question = asked("guest")
    proposed = replace(PROGRAM, entry="form.py")
    table.tell(*(proposed if one == PROGRAM else one for one in question.told))
    table.until(lambda text: question.reads in text and text.endswith(">"))
    table.type("nobody\n4200\n")
    table.until(lambda text: "Your pay" in text and text.endswith(">"))
    table.type("1\n")
    assert table.decision() == ["give", ["--pay=1"], []]


@pytest.mark.parametrize("name", QUESTIONS)
def test_enter_and_half_a_word_are_asked_again_and_a_clear_answer_counts(name: str, asked: Asked) -> None:
    table, question = asked(name)
    table.tell(*question.told)
    table.until(question.reads)
    table.insist("\n", "Nothing is decided yet")
    table.type("yep\n")
    table.until(lambda text: re.search(r"yep is (nobody('s number)? here and )?no answer", text) is not None)
    assert table.undecided
    table.type(f"{question.yes}\n")
    assert table.decision()[0] == question.decides


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_end_of_input_is_no_yes(name: str, asked: Asked) -> None:
    table, question = asked(name)
    table.tell(*question.told)
    table.until(question.reads)
    table.type("\x04")
    assert table.decision()[0] == question.end


@pytest.mark.parametrize("name", QUESTIONS)
def test_ctrl_c_leaves_and_the_terminal_is_as_it_was(name: str, asked: Asked) -> None:
    table, question = asked(name)
    table.tell(*question.told)
    table.until(question.reads)
    table.type("\x03")
    assert table.decision()[0] == "leave" and table.undecided
    table.tell(events.Ended("You left the session.", False))
    table.until("You left the session.")
    assert table.process.wait(10) == 1
    assert termios.tcgetattr(table._slave) == table.before
    assert "Traceback" not in table.past and not table.screen.cursor.hidden


@pytest.mark.parametrize("name", ["admit", "host", "program"])
def test_what_is_pasted_answers_nothing_without_enter(name: str, sit: Seat) -> None:
    question = QUESTIONS[name]
    table = sit(80, 40, role=question.role)
    table.tell(*question.told)
    table.until(question.reads)
    table.type(f"\x1b[200~{question.yes}\r\n\x1b[201~")
    table.until(f"> {question.yes}")
    assert table.undecided


def test_news_while_a_question_stands_leaves_it_whole(asked: Asked) -> None:
    table, question = asked("admit")
    table.tell(*question.told)
    table.until(question.reads)
    table.until(lambda text: text.endswith(">"))
    table.type("n")
    table.tell(*(events.Notice(f"news {number}") for number in range(12)))
    if table.plain:
        table.tell(events.Program("p.py", "d", (), (), True))  # nothing of it is seen yet
    else:
        table.until("news 11")
    table.until(lambda text: text.endswith("> n"))
    table.type("\n")
    assert table.decision()[0] == "refuse"
    table.until("news 11")
    if table.plain:
        assert re.search(r"\n> n\n+news 0\nnews 1\n", table.past)
    assert table.past.count(question.reads) == 1


def test_a_question_that_is_taken_back_is_gone(asked: Asked) -> None:
    table, question = asked("host")
    table.tell(*question.told)
    table.until(lambda text: question.reads in text and text.endswith(">"))
    table.type("al")
    table.until(lambda text: text.endswith("> al"))
    table.tell(events.Restarted(2, "Bob saw other words"), events.Notice("again"))
    table.until(lambda text: "again" in text and ">" not in text.rpartition("\nagain")[2])  # no question
    table.type("l\n")
    table.tell(*(NEW_WORDS if isinstance(one, events.Words) else one for one in question.told))
    table.until(lambda text: "five   six" in text and question.reads in text and text.endswith(">"))
    table.type("n\n")
    assert table.decision()[0] == "decline"


def test_lines_for_the_program_are_kept_while_it_runs_and_forgotten_with_it(sit: Seat) -> None:
    table = sit(80, 24)
    table.tell(events.Run(1, "started"), events.Notice("run 1"))
    table.until("run 1")
    table.type("41\n4")
    table.tell(events.Output("stdout", "A number: "), events.Input(True))
    assert table.decision() == ["type_line", "41"]
    table.tell(events.Input(False), events.Output("stdout", "Another: "), events.Input(True))
    table.until("Another: 4")
    table.type("2\n")
    assert table.decision() == ["type_line", "42"]
    table.until("A number: 41\nAnother: 42")
    table.type("y\n")
    table.tell(events.Input(False), events.Run(1, "finished", 1.0), *AGAIN)
    table.until("Once more?")
    table.insist("\n", "Nothing is decided yet")
    assert table.undecided


def test_the_program_is_read_on_the_whole_screen_and_searched(sit: Seat) -> None:
    table = sit(80, 24)
    table.tell(*ACCEPT)
    before = table.until(lambda text: "Then start." in text and text.endswith(">"))
    table.type("v\n")
    table.until("q back")
    assert "1 line 1 of the program" in table.text and "line 100 of" not in table.text
    table.tell(events.Notice("Bob is impatient"))
    table.type("/line 150\n")
    table.until("line 150 of the program")
    assert "impatient" not in table.text
    table.type("q")
    table.until("Bob is impatient")
    table.until(lambda text: text.endswith(">"))
    assert table.text.splitlines()[-1] == before.splitlines()[-1] == ">" and table.undecided
    table.type("n\n")
    assert table.decision()[0] == "decline"


def test_nothing_is_ever_painted_over_where_plain_is_wanted(sit: Seat) -> None:
    table = sit(80, 24, HUDDLE_PLAIN="1")
    table.tell(events.Invitation("https://huddle.example/j#abc", "1234-a-b"), *ACCEPT)
    table.until("Then start.")
    table.type("n\n")
    table.decision()
    table.tell(events.Ended("over", True))
    table.until("over")
    table.process.wait(10)
    assert b"\x1b" not in table.raw and "█" not in table.past


def test_without_colours_none_are_used(sit: Seat) -> None:
    table = sit(80, 24, NO_COLOR="1")
    table.tell(events.Invitation("https://huddle.example/j#abc", "1234-a-b"), *ACCEPT)
    table.until("Then start.")
    assert not re.search(rb"\x1b\[[0-9;]*(3[1-7]|38|9[0-7])[0-9;]*m", table.raw)


@pytest.mark.parametrize("wraps", [True, False])
@pytest.mark.parametrize(("to", "typed"), [(100, ""), (60, "nob"), (50, "")])
def test_a_window_that_becomes_narrow_has_everything_once(
    wraps: bool, typed: str, to: int, sit: Seat
) -> None:
    table = sit(140, 40, **({"TMUX": "somewhere"} if wraps else {}))
    table.tell(*(events.Notice(f"news {number}") for number in range(5)), *ACCEPT)
    table.until(lambda text: "Then start." in text and text.endswith(">"))
    table.type(typed)
    table.until(lambda text: text.endswith(f"> {typed}".strip()))
    table.resize(to, 40)
    table.tell(events.Notice("the last news"))
    table.until(lambda text: "the last news" in text and text.endswith(f"> {typed}".strip()))
    board = ("Me  ", "Bob  ", "Program  a.py", "one   two   three   four", "Then start.", "my words differ")
    for once in (*(f"news {number}\n" for number in range(5)), "the last news", *board):
        below = table.text.partition("the last news")[2] if once in board else table.text
        assert below.count(once) == 1, table.text
    table.resize(140, 40)
    table.tell(events.Notice("wide again"))
    table.until(lambda text: "wide again" in text and text.endswith(f"> {typed}".strip()))
    for once in ("news 4\n", "the last news", "one   two   three   four", "Then start."):
        assert table.text.count(once) == 1, table.text


LOST = (
    events.Party("Bob", "did:bob", "gone", "new", 1, "Bob has not been heard for 30 s"),
    events.Restarted(0, "Bob was lost"),
    events.Notice("Bob was lost. The others keep their seats."),
    replace(ME, pid=None),
    events.Invitation("https://huddle.example/j#second", "99-new-code"),
)


def test_after_a_loss_all_is_said_to_who_listens_and_what_is_asked_now(sit: Seat) -> None:
    """By lines alone: somebody is lost while a question stands, then the lobby's question stands."""
    table = sit(80, 60, role="lobby", HUDDLE_PLAIN="1")
    question = QUESTIONS["held"]
    table.tell(*WAITING, *question.told)
    table.until(lambda text: question.reads in text and text.endswith(">"))
    table.tell(WORDS, replace(LOST[0], state="silent"), events.Question("again"))
    table.type("y\n")
    assert table.decision() == ["propose"]
    table.until(lambda text: "Once more?" in text and text.endswith(">"))
    table.tell(*LOST)
    table.until(lambda text: "j#second" in text and "While you wait" in text.partition("j#second")[2])
    now = table.until(lambda text: text.endswith(">")).partition("not asked any more")[2]
    for said in ("Bob was lost", "99-new-code", "While you wait", "c: another code", "q: end the session"):
        assert said in now
    table.tell(events.Party("Cyd", "did:cyd", "admitted", "new"))  # news, and what stands is said again
    table.until(
        lambda text: re.search(r"Cyd is in.*\n+While you wait: c, r NAME,.*\n.*\n?>$", text) is not None
    )
    table.type("c\n")
    assert table.decision() == ["new_code"]
    table.tell(events.Invitation("https://huddle.example/j#second", "77-third-code"))
    table.until(lambda text: "77-third-code" in text and text.endswith(">"))
    assert b"\x1b" not in table.raw


def test_where_the_person_has_to_say_how_to_go_on_the_waiting_question_is_no_more(asked: Asked) -> None:
    table, waiting = asked("lobby")
    table.tell(*waiting.told)
    table.until(lambda text: waiting.reads in text and text.endswith(">"))
    table.tell(*QUESTIONS["held"].told)
    table.until(
        lambda text: "Try again?" in text and "with those who are here" in text and text.endswith(">")
    )
    table.type("y\n")
    assert table.decision() == ["propose"]
