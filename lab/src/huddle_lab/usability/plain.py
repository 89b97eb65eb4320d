"""MPyC by itself: people tell each other addresses, and start the program by hand; by choice with `--ssl`."""

from collections.abc import Sequence

from huddle_lab.usability.people import Person
from huddle_lab.usability.solution import PROGRAM, Stage, install_mpyc, run_mpyc

_FILES = ".config"


class Plain:
    """Addresses and ports by hand, nothing encrypted."""

    name = "plain"
    title = "MPyC by addresses"
    security = (
        (
            "on the path",
            "reads and changes all, of two parties the inputs themselves; nobody notices",
            "tests/unit/lab/usability/test_plain.py::test_who_is_on_the_path_reads_an_input_and_changes_the_result",
        ),
        (
            "anybody who reaches the port",
            "is the party whose number they say first",
            "tests/unit/lab/usability/test_plain.py::test_whoever_dials_first_is_the_party_whose_number_it_says",
        ),
    )

    def problem(self) -> str:
        return ""

    def perform(self, stage: Stage) -> None:
        install_mpyc(stage)
        stage.story.when = "first"
        meet(stage.ada, stage.bob)
        stage.story.when = "again"
        run_mpyc(*_both(stage.ada, stage.bob))
        stage.story.when = "others"
        stage.ada.send(stage.cyd, PROGRAM)
        meet(stage.ada, stage.cyd)
        stage.story.when = "end"


def meet(ada: Person, other: Person, *flags: str) -> None:
    """Two tell each other their addresses, and run the program."""
    other.tell(ada, "address and port")
    ada.tell(other, "address and port, and who has which number")
    run_mpyc(*_both(ada, other), *flags)


def _both(ada: Person, other: Person) -> tuple[tuple[Person, Person], tuple[str, str]]:
    return (ada, other), (ada.machine.address, other.machine.address)


class PlainSsl:
    """The same with an authority of one's own."""

    name = "plain-ssl"
    title = "MPyC by addresses, `--ssl`"
    security = (
        (
            "on the path",
            "sees addresses, sizes, times",
            "tests/unit/lab/usability/test_plain.py::test_with_ssl_who_is_on_the_path_reads_no_input",
        ),
        (
            "a party",
            "may be any party that dials: whose certificate it is, is not looked at",
            "tests/unit/lab/usability/test_plain.py::test_a_certificate_is_taken_under_another_number",
        ),
        (
            "who made the authority",
            "can be anybody",
            "tests/unit/lab/usability/test_plain.py::test_who_made_the_authority_is_anybody",
        ),
    )

    def problem(self) -> str:
        return ""

    def perform(self, stage: Stage) -> None:
        ada = stage.ada
        install_mpyc(stage)
        stage.story.when = "first"
        for line in (*authority(), *certificate(0)):
            ada.type(line)
        self._meet(ada, stage.bob)
        stage.story.when = "again"
        run_mpyc(*_both(ada, stage.bob), "--ssl")
        stage.story.when = "others"
        ada.send(stage.cyd, PROGRAM)
        self._meet(ada, stage.cyd)
        stage.story.when = "end"
        for person in (ada, stage.bob):
            person.type(f"rm -r {_FILES}")

    @staticmethod
    def _meet(ada: Person, other: Person) -> None:
        """Who is party 1 now gets a key and a certificate of their own."""
        for line in certificate(1):
            ada.type(line)
        for name in ("mpyc_ca.crt", "party_1.crt", "party_1.key"):
            ada.send(other, f"{_FILES}/{name}")
        meet(ada, other, "--ssl")


def authority() -> Sequence[str]:
    """What one types to make an authority."""
    return (
        f"mkdir -p {_FILES}",
        f"openssl req -x509 -newkey rsa:2048 -nodes -keyout {_FILES}/ca.key -out {_FILES}/mpyc_ca.crt"
        " -days 30 -subj /CN=ours -addext keyUsage=critical,keyCertSign",
    )


def certificate(pid: int) -> Sequence[str]:
    """What one types to make a certificate for a party, with all that MPyC and Python want to see in it."""
    own, name = f"{_FILES}/party_{pid}", f"MPyC party {pid}"
    wanted = f"subjectKeyIdentifier=hash\\nauthorityKeyIdentifier=keyid\\nsubjectAltName=DNS:{name}\\n"
    return (
        f"printf '{wanted}' >{_FILES}/extensions",
        f"openssl req -newkey rsa:2048 -nodes -keyout {own}.key -out {own}.csr -subj '/CN={name}'",
        f"openssl x509 -req -in {own}.csr -CA {_FILES}/mpyc_ca.crt -CAkey {_FILES}/ca.key -CAcreateserial"
        f" -days 30 -extfile {_FILES}/extensions -out {own}.crt",
    )
