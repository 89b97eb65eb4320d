"""A small process that keeps rights which the rest of Huddle gives up, and does a handful of things by them.

    helper = Helper.start(services)            forked, while there are no threads and no event loop yet
    answer = await helper.ask(Request(…))      or `ask_now`, outside an event loop
    helper.close()                             it tidies up and ends; so it does when its asker dies

Whoever asks parses what strangers send, and may have been taken over by one of them. So a request is a frozen
dataclass in the strict encoding of `huddle.codec`, each service checks its values, and what makes no
sense ends the helper. Each way one datagram of a socket pair is one message, with one descriptor at most:

    request = number U32 | kind U8 | its encoding       kind: its place among all requests of the services
    answer  = number U32 | 0 | bytes                    done; what the bytes are is the service's to say
    answer  = number U32 | 1 | Refusal                  not done
"""

import array
import asyncio
import os
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, NoReturn, Protocol

from huddle.codec import DecodeError, Limit, decode, encode
from huddle.errors import HuddleError, LocalError, NetworkError, unexpected

LOW_PORTS = 1024  # those below are root's
LIMIT = 1 << 16  # bytes of a message; what is longer goes through a descriptor
AT_ONCE = 64  # requests that wait for their answers; an honest asker has two or three for each peer
_DONE, _REFUSED = 0, 1
_HEAD = 5
_IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # its end is its asker's affair

_asking = set[socket.socket]()  # this process's ends


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something was not done; `whose` is "network", or this machine's fault."""

    whose: Annotated[str, Limit(16)]
    message: Annotated[str, Limit(2000)]
    hint: Annotated[str, Limit(2000)]

    def error(self) -> HuddleError:
        """The same as an exception."""
        kind = NetworkError if self.whose == NetworkError.whose else LocalError
        return kind(self.message, hint=self.hint)


class Answer:
    """What was answered: bytes, and a descriptor (-1: none) that is its taker's to close."""

    def __init__(self, data: bytes = b"", descriptor: int = -1) -> None:
        self.data = data
        self.descriptor = descriptor

    def close(self) -> None:
        """Close the descriptor, which nobody wants."""
        if self.descriptor >= 0:
            os.close(self.descriptor)


class Service(Protocol):
    """What a helper does; each of these requests, and nothing else."""

    requests: ClassVar[tuple[type[Any], ...]]

    async def do(self, request: Any, descriptor: int) -> Answer:
        """Do it, or raise a HuddleError; ValueError for what no honest asker asks.

        `descriptor` (-1: none) is closed afterwards.
        """
        ...

    async def close(self) -> None:
        """Take down all that was made."""
        ...


class Helper:
    """A helper as its asker has it."""

    def __init__(self, sock: socket.socket, kinds: Sequence[type[Any]], pid: int) -> None:
        self._sock = sock
        self._kinds = {kind: number for number, kind in enumerate(kinds)}
        self._pid = pid
        self._next = 0
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def __repr__(self) -> str:
        return f"<Helper {self._pid}, {len(self._waiting)} asked>"

    @classmethod
    def start(cls, services: Sequence[Service]) -> "Helper":
        """Fork one with the rights that this process has now; the only thread of this process must call."""
        kinds = [kind for service in services for kind in service.requests]
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # What ends its asker, such as Ctrl-C, must not end it too, before it has said so.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _IGNORED)
        pid = os.fork()
        if not pid:
            for asking in (ours, *_asking):  # else the helper before would not see its asker's end
                asking.close()
            _become_helper(services, theirs)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
        _asking.add(ours)
        return cls(ours, kinds, pid)

    def does(self, request: type[Any]) -> bool:
        """Whether it does what requests of this kind ask."""
        return request in self._kinds

    async def ask(self, request: Any) -> Answer:
        """Have it done; raises the HuddleError of who did not. An answer that nobody waits for is closed."""
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
            self._sock.setblocking(False)
            loop.add_reader(self._sock, self._read)
        number = self._send(request, -1)
        waiting: asyncio.Future[Answer] = loop.create_future()
        self._waiting[number] = waiting
        return await waiting

    def ask_now(self, request: Any, descriptor: int = -1) -> Answer:
        """As `ask`, waiting for it; of one helper only one of the two may be used."""
        number = self._send(request, descriptor)
        while True:
            came, answer = self._received()
            if came == number:
                return _opened(answer)
            answer.close()

    def close(self) -> None:
        """Let it tidy up, and wait until it has ended."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._sock)
        _asking.discard(self._sock)
        self._sock.close()
        with suppress(ChildProcessError):
            os.waitpid(self._pid, 0)

    def _send(self, request: Any, descriptor: int) -> int:
        self._next = (self._next + 1) % (1 << 32)
        message = self._next.to_bytes(4, "big") + bytes([self._kinds[type(request)]]) + encode(request)
        try:
            socket.send_fds(self._sock, [message], [descriptor] if descriptor >= 0 else [])
        except OSError as error:
            raise _gone() from error
        return self._next

    def _received(self) -> tuple[int, Answer]:
        """The next answer; its first byte says still how it went."""
        try:
            message, descriptor = _receive(self._sock)
        except BlockingIOError:
            raise
        except OSError:
            message, descriptor = b"", -1
        if len(message) < _HEAD:
            raise _gone()
        return int.from_bytes(message[:4], "big"), Answer(message[4:], descriptor)

    def _read(self) -> None:
        assert self._loop is not None
        try:
            number, answer = self._received()
        except BlockingIOError:
            return
        except HuddleError as gone:
            self._loop.remove_reader(self._sock)
            for left in self._waiting.values():
                if not left.done():
                    left.set_exception(gone)
            self._waiting.clear()
            return
        waiting = self._waiting.pop(number, None)
        if waiting is None or waiting.done():
            answer.close()
            return
        try:
            waiting.set_result(_opened(answer))
        except HuddleError as error:
            waiting.set_exception(error)


def _opened(answer: Answer) -> Answer:
    how, answer.data = answer.data[0], answer.data[1:]
    if how == _REFUSED:
        answer.close()
        raise decode(Refusal, answer.data).error()
    return answer


def _gone() -> LocalError:
    return LocalError(
        "The part of Huddle that does what needs other rights has ended.", hint="Start the session again."
    )


def _receive(sock: socket.socket) -> tuple[bytes, int]:
    """A datagram, and the descriptor that came with it, -1 where none did."""
    message, ancillary, flags, _ = sock.recvmsg(LIMIT, socket.CMSG_SPACE(16), socket.MSG_CMSG_CLOEXEC)
    came = array.array("i")
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            came.frombytes(data[: len(data) // came.itemsize * came.itemsize])
    for more in came[1:]:
        os.close(more)
    return (b"" if flags & socket.MSG_TRUNC else message), (came[0] if came else -1)


# --- in the helper


def _become_helper(services: Sequence[Service], sock: socket.socket) -> NoReturn:
    code = 1
    try:
        os.setsid()  # Ctrl-C is for the asker, which still has something to ask
        for number in _IGNORED:
            signal.signal(number, signal.SIG_IGN)
        nothing = os.open(os.devnull, os.O_RDWR)
        for standard in range(3):  # whoever reads them must see their end when the asker has ended
            os.dup2(nothing, standard)
        asyncio.run(_serve(services, sock))
        code = 0
    finally:
        os._exit(code)


async def _serve(services: Sequence[Service], sock: socket.socket) -> None:
    doers = [(kind, service) for service in services for kind in service.requests]
    loop = asyncio.get_running_loop()
    sock.setblocking(False)
    readable = asyncio.Event()
    loop.add_reader(sock, readable.set)
    tasks = set[asyncio.Task[None]]()
    over = asyncio.Event()

    def done(task: asyncio.Task[None]) -> None:
        tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            over.set()
            readable.set()

    try:
        while True:
            await readable.wait()
            readable.clear()
            try:
                message, descriptor = _receive(sock)
            except BlockingIOError:
                message, descriptor = None, -1
            if over.is_set() or (message is not None and len(message) < _HEAD):
                return
            if message is None:
                continue
            readable.set()  # there may be more
            if message[4] >= len(doers) or len(tasks) >= AT_ONCE:
                return
            kind, service = doers[message[4]]
            request = decode(kind, message[_HEAD:])
            task = loop.create_task(_do(service, request, descriptor, message[:4], sock))
            tasks.add(task)
            task.add_done_callback(done)
    except (DecodeError, OSError):
        return
    finally:
        loop.remove_reader(sock)
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(service.close() for service in services), return_exceptions=True)


async def _do(service: Service, request: Any, descriptor: int, number: bytes, sock: socket.socket) -> None:
    """Do one thing and answer; a ValueError, which nobody honest causes, ends the helper."""
    try:
        try:
            answer, how = await service.do(request, descriptor), _DONE
        except ValueError:
            raise
        except (HuddleError, OSError) as failed:
            error = unexpected(failed)
            answer, how = Answer(encode(_refusal(error))), _REFUSED
    finally:
        if descriptor >= 0:
            os.close(descriptor)
    try:
        made = [answer.descriptor] if answer.descriptor >= 0 else []
        socket.send_fds(sock, [number + bytes([how]) + answer.data], made)
    finally:
        answer.close()


def _refusal(error: HuddleError) -> Refusal:
    return Refusal(error.whose, error.message[:500], error.hint[:500])
