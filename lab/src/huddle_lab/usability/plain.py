"""MPyC by itself: people tell each other addresses, and start the program by hand; by choice with `--ssl`."""

from collections.abc import Sequence

from huddle_lab.usability.solution import Stage, install_mpyc, run_mpyc

_FILES = ".config"


class Plain:
    """Addresses and ports by hand, nothing encrypted."""

    name = "plain"
    title = "MPyC by addresses"
    security = (
        (
            "on the path",
            "reads and changes all; may be any party",
            "not tried",
        ),
        ("a party", "may claim any number that is free", "not tried"),
    )

    def problem(self) -> str:
        return ""

    def perform(self, stage: Stage) -> None:
        install_mpyc(stage)
        stage.story.when = "first"
        stage.bob.tell(stage.ada, "address and port")
        stage.ada.tell(stage.bob, "address and port, and who has which number")
        addresses = (stage.ada.machine.address, stage.bob.machine.address)
        run_mpyc(stage, addresses)
        stage.story.when = "again"
        run_mpyc(stage, addresses)
        stage.story.when = "end"


class PlainSsl:
    """The same with an authority of one's own."""

    name = "plain-ssl"
    title = "MPyC by addresses, `--ssl`"
    security = (
        ("on the path", "sees addresses, sizes, times", "not tried"),
        (
            "a party",
            "may be any party that dials: whose certificate it is, is not looked at",
            "tests/unit/lab/usability/test_plain.py::test_a_certificate_is_taken_under_another_number",
        ),
        ("who made the authority", "can be anybody", "not tried"),
    )

    def problem(self) -> str:
        return ""

    def perform(self, stage: Stage) -> None:
        install_mpyc(stage)
        stage.story.when = "first"
        stage.bob.tell(stage.ada, "address and port")
        stage.ada.tell(stage.bob, "address and port, and who has which number")
        for line in authority():
            stage.ada.type(line)
        for pid in range(2):
            for line in certificate(pid):
                stage.ada.type(line)
        for name in ("mpyc_ca.crt", "party_1.crt", "party_1.key"):
            stage.ada.send(stage.bob, f"{_FILES}/{name}")
        addresses = (stage.ada.machine.address, stage.bob.machine.address)
        run_mpyc(stage, addresses, "--ssl")
        stage.story.when = "again"
        run_mpyc(stage, addresses, "--ssl")
        stage.story.when = "end"
        for person in (stage.ada, stage.bob):
            person.type(f"rm -r {_FILES}")


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
