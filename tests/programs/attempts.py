"""A stranger's program that tries what a sandbox must refuse, and says with what evidence it succeeded.

Its argument is a JSON object, or @ and the name of a file with one: `secret`, a word in the environment,
the keyring and the shared memory of whoever started it; `private`, the directory of an --input file; `name`,
the machine's; `tcp`, a port that listens there; `abstract`, a socket's name; `socket`, one's path;
`supervisor`, a process id; `calls`, the numbers of refused system calls by name; `limits`; `without`,
attempts to leave out. It prints a JSON object a line: `name`, and `evidence` (null: refused) or `error`,
where the attempt itself is broken: that is no refusal.

Only what `REFUSALS` has counts as refused. Each attempt is seen to succeed where its hole is open.
"""

import ctypes
import errno
import json
import mmap
import os
import platform
import resource
import signal
import socket
import sys

text = sys.argv[1]
if text.startswith("@"):
    with open(text[1:]) as file:
        text = file.read()
given = json.loads(text)
libc = ctypes.CDLL(None, use_errno=True)
REFUSALS = {errno.EPERM, errno.EACCES, errno.EROFS, errno.ENOENT, errno.ESRCH}
ATTEMPTS = []


def attempt(function):
    """One of the list; its docstring says what it is after. It returns evidence or nothing, or is refused."""
    ATTEMPTS.append(function)
    return function


def call(number, *args):
    """A system call's result, or -errno."""
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *(ctypes.c_long(arg) for arg in args))
    return -ctypes.get_errno() if result == -1 else result


def processes():
    return sorted(int(name) for name in os.listdir("/proc") if name.isdigit())


def tried(function, *args):
    """The function's result, None where it is refused."""
    try:
        return function(*args)
    except OSError as error:
        if error.errno in REFUSALS:
            return None
        raise


def read(path):
    with open(path, "rb") as file:
        return file.read()


@attempt
def environment():
    """The person's environment, in any process."""
    secret = given["secret"].encode()
    return [pid for pid in processes() if secret in (tried(read, f"/proc/{pid}/environ") or b"")]


@attempt
def command_lines():
    """Where the private files lie, in any process's arguments."""
    private = given["private"].encode()
    return [pid for pid in processes() if private in (tried(read, f"/proc/{pid}/cmdline") or b"")]


@attempt
def others():
    """Processes that are none of the sandbox's: it has bubblewrap, and this one with its children."""
    names = [(tried(read, f"/proc/{pid}/cmdline") or b"?").split(b"\0")[0] for pid in processes()]
    return [str(name) for name in names if not name.endswith((b"bwrap", sys.executable.encode(), b"python"))]


@attempt
def descriptors():
    """Descriptors of files that nobody meant to pass, in any process."""
    found = []
    for pid in processes():
        for fd in tried(os.listdir, f"/proc/{pid}/fd") or []:
            link = f"/proc/{pid}/fd/{fd}"
            target = tried(os.readlink, link) or ""
            state = tried(os.stat, link)
            inside = state is not None and state.st_dev == os.stat("/tmp").st_dev  # the sandbox's own
            if target.startswith("/") and not target.startswith(("/proc/", "/dev/null")) and not inside:
                found.append(target)
    return found


@attempt
def roots():
    """Another file system than this one's, through a process's root or working directory."""
    here, found = os.stat("/"), []
    for pid in processes():
        root = os.path.join("/proc", str(pid), "root")
        seen = tried(os.stat, root)
        if seen and (seen.st_dev, seen.st_ino) != (here.st_dev, here.st_ino):
            found.append(root)
        if tried(os.path.exists, root + given["private"]):
            found.append(root)
        cwd = tried(os.readlink, f"/proc/{pid}/cwd")
        if cwd and cwd not in ("/", "/tmp/program"):
            found.append(cwd)
    return found


@attempt
def mappings():
    """Files that processes have mapped and this sandbox has not: where they lie, in any process."""
    own, found = os.stat("/tmp").st_dev, set()
    for pid in processes():
        for line in (tried(read, f"/proc/{pid}/maps") or b"").decode(errors="replace").splitlines():
            _, _, _, device, number, *rest = line.split(None, 5)
            path = rest[0] if rest else ""
            nobody_s = path.startswith(("/dev/zero", "/memfd:", "/SYSV"))  # memory by another name
            major, minor = (int(part, 16) for part in device.split(":"))
            if not path.startswith("/") or nobody_s or os.makedev(major, minor) == own:
                continue
            here = tried(os.stat, path)
            if here is None or here.st_ino != int(number):
                found.add(path)
    return sorted(found)


@attempt
def kernel_files():
    """Anything in /proc that can be written to, sysctls above all."""
    found = []
    for top in ("/proc/sys", "/proc/self", "/proc/1"):
        for folder, _, names in os.walk(top):
            if "/task/" in folder or "/fd" in folder or "/map_files" in folder:
                continue
            for name in names:
                path = f"{folder}/{name}"
                try:
                    os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
                    found.append(path)
                except OSError:
                    continue  # whatever the reason, it was not opened
    return found[:20]


@attempt
def kernel_secrets():
    """What /proc tells of keys, addresses and devices of the machine."""
    names = (
        "keys",
        "key-users",
        "kallsyms",
        "kcore",
        "kmsg",
        "timer_list",
        "interrupts",
        "partitions",
        "cmdline",
    )
    found = []
    for name in names:
        try:
            if read(f"/proc/{name}")[:1]:
                found.append(name)
        except OSError:
            continue
    return found


@attempt
def keyring():
    """A key that the person has in their session's keyring."""
    number = given["calls"].get("request_key")
    name = ctypes.create_string_buffer(given["secret"].encode())
    kind = ctypes.create_string_buffer(b"user")
    result = call(number, ctypes.addressof(kind), ctypes.addressof(name), 0, 0)
    return f"key {result}" if result > 0 else None


@attempt
def sockets():
    """Sockets of other families than Unix and IP."""
    found = []
    for family in (*range(3, 10), *range(11, 64)):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
            try:
                socket.socket(family, kind).close()
                found.append(family)
            except OSError as error:
                if error.errno != errno.EAFNOSUPPORT and family != 16:
                    found.append(f"{family}: {errno.errorcode[error.errno]}")
    return sorted({str(each) for each in found})


@attempt
def refused_calls():
    """System calls that reach the kernel, which complains of what it was given; the filter says EPERM."""
    found = []
    for name, number in given["calls"].items():
        child = os.fork()
        if not child:
            result = call(number, *[-1] * 6)
            os._exit(0 if result == -errno.EPERM else min(200, abs(result)) or 201)
        status = os.waitpid(child, 0)[1]
        if status:
            found.append(name)
    return found


@attempt
def unknown_calls():
    """Calls that the filter does not know: they are answered as by a kernel that lacks them."""
    return [number for number in (435, 437, 1000) if call(number, 0, 0) != -errno.ENOSYS]


@attempt
def namespaces():
    """A user namespace of one's own, by clone."""
    numbers = {"x86_64": 56, "aarch64": 220}
    result = call(numbers[platform.machine()], 0x10000000 | signal.SIGCHLD, 0, 0, 0, 0)
    if result == 0:
        os._exit(0)
    return None if result == -errno.EPERM else f"the kernel answers {result}"


@attempt
def terminal():
    """What types into a terminal: refused before the kernel looks at which."""
    number = {"x86_64": 16, "aarch64": 29}[platform.machine()]
    results = [call(number, 0, request, 0) for request in (0x5412, 0x541C)]
    return [result for result in results if result != -errno.EPERM]


@attempt
def foreign_abi():
    """A system call by the numbers of i386."""
    if platform.machine() != "x86_64":
        return None
    child = os.fork()
    if not child:
        code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")  # mov eax, 20 (getpid); int 0x80; ret
        address = ctypes.addressof(ctypes.c_char.from_buffer(code))
        os._exit(7 if ctypes.CFUNCTYPE(ctypes.c_int)(address)() > 0 else 8)
    status = os.waitpid(child, 0)[1]
    return None if os.WIFSIGNALED(status) else f"it was answered: {os.WEXITSTATUS(status)}"


@attempt
def setuid_file():
    """A file that runs as this account for whoever starts it."""
    found = []
    for how in (
        lambda: os.close(os.open("suid1", os.O_CREAT | os.O_WRONLY, 0o4755)),
        lambda: os.chmod("suid2", 0o4755),  # noqa: S103
    ):
        open("suid2", "w").close()
        tried(how)
        found += [
            name for name in ("suid1", "suid2") if os.path.exists(name) and os.stat(name).st_mode & 0o6000
        ]
    return found


@attempt
def special_file():
    """A FIFO or a device, which somebody else could open."""
    found = []
    for name, make in (
        ("fifo", os.mkfifo),
        ("device", lambda path: os.mknod(path, 0o20666, os.makedev(1, 3))),
    ):
        tried(make, name)
        if os.path.lexists(name):
            found.append(name)
    return found


@attempt
def mounts():
    """A mount on which setuid or devices would count."""
    found = []
    for line in read("/proc/self/mountinfo").decode().splitlines():
        place, options = line.split()[4], line.split()[5].split(",")
        if "nosuid" not in options or ("nodev" not in options and not place.startswith("/dev/")):
            found.append(place)
    return found


@attempt
def writing():
    """Files where nothing is the program's."""
    places = "/", "/dev", "/etc", "/usr", "/proc", "/program", sys.prefix, sys.base_prefix
    found = []
    for place in places:
        try:
            os.close(os.open(f"{place}/planted", os.O_CREAT | os.O_WRONLY, 0o600))
            found.append(place)
        except OSError as error:
            if error.errno not in REFUSALS:
                raise
    return found


@attempt
def opening_up():
    """Let other accounts into the directory where the program's files are on the disk."""
    tried(os.chmod, "/program", 0o777)
    return "/program has mode 777" if os.stat("/program").st_mode & 0o777 == 0o777 else None


@attempt
def devices():
    """Devices beside those of every sandbox."""
    usual = "null zero full random urandom tty ptmx pts shm stdin stdout stderr fd core console".split()
    return sorted(set(os.listdir("/dev")) - set(usual))


@attempt
def network():
    """A port of this machine, and an address of another."""
    found = []
    for address in (("127.0.0.1", given["tcp"]), ("192.0.2.1", 9)):
        try:
            socket.create_connection(address, 1).close()
            found.append(address)
        except OSError as error:
            if error.errno not in (errno.ECONNREFUSED, errno.ENETUNREACH):
                found.append(f"{address}: {error}")
    return found


@attempt
def abstract_socket():
    """A Unix socket without a path, as X11 and D-Bus have it."""
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect("\0" + given["abstract"])
        return given["abstract"]
    except ConnectionRefusedError:
        return None


@attempt
def path_socket():
    """A Unix socket with a path, and those of the system's services: D-Bus, Docker, an ssh-agent."""
    found = []
    there = [f"/run/{name}" for name in tried(os.listdir, "/run") or []]
    for path in (given["socket"], "/run/dbus/system_bus_socket", "/var/run/docker.sock", *there):
        if os.path.exists(path):
            found.append(path)
    return found


@attempt
def shared_memory():
    """What others have in /dev/shm."""
    return os.listdir("/dev/shm")


@attempt
def signals():
    """The supervisor, by a signal."""
    try:
        os.kill(given["supervisor"], 0)
    except ProcessLookupError:
        return None
    return given["supervisor"]


@attempt
def host_name():
    """The machine's name."""
    return socket.gethostname() if socket.gethostname() == given["name"] else None


@attempt
def capabilities():
    """Any capability."""
    lines = [line for line in read("/proc/self/status").decode().splitlines() if line.startswith("Cap")]
    kept = [line for line in lines if int(line.split()[1], 16) and not line.startswith("CapBnd")]
    return kept


@attempt
def new_privileges():
    """More rights by a setuid program: the kernel gives none where this is set."""
    return None if "NoNewPrivs:\t1" in read("/proc/self/status").decode() else "NoNewPrivs is 0"


@attempt
def core():
    """A core file, or the program that takes them."""
    return None if resource.getrlimit(resource.RLIMIT_CORE) == (0, 0) else "cores are written"


@attempt
def importance():
    """To outlive the supervisor where memory is short, or to go before it where the processor is."""
    found = []
    if int(read("/proc/self/oom_score_adj")) <= 0:
        found.append("oom_score_adj")
    if os.nice(0) <= 0:
        found.append("nice")
    return found


@attempt
def many_processes():
    """More processes than the limit."""
    children, most = [], given["limits"]["processes"] + 4
    try:
        while len(children) < most:
            child = os.fork()
            if not child:
                signal.pause()
            children.append(child)
    except BlockingIOError:
        return None
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    return f"{most} children"


@attempt
def much_memory():
    """More memory in one process than the limit of its address space."""
    try:
        mmap.mmap(-1, given["limits"]["AS"]).close()
    except (OSError, MemoryError):
        return None
    return f"{given['limits']['AS']} bytes"


@attempt
def many_descriptors():
    """More open files than the limit."""
    held = []
    try:
        while len(held) <= given["limits"]["NOFILE"]:
            held.append(os.open("/dev/null", os.O_RDONLY))
    except OSError as error:
        return None if error.errno == errno.EMFILE else str(error)
    finally:
        for fd in held:
            os.close(fd)
    return len(held)


@attempt
def large_file():
    """A file larger than the limit; Python ignores the signal, and gets an error."""
    size = given["limits"]["FSIZE"] + 1
    try:
        with open("large", "wb") as file:
            file.truncate(size)
            return f"{size} bytes"
    except OSError as error:
        return None if error.errno == errno.EFBIG else str(error)
    finally:
        os.unlink("large")


if __name__ == "__main__":
    for each in (each for each in ATTEMPTS if each.__name__ not in given["without"]):
        report = {"name": each.__name__, "evidence": None}
        try:
            report["evidence"] = each() or None
        except OSError as error:
            if error.errno not in REFUSALS:
                report["error"] = repr(error)
        except Exception as error:
            report["error"] = repr(error)
        print(json.dumps(report), flush=True)
