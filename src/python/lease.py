"""Answers "is anyone writing this file?" for the daemon, exactly, by read leases.

fcntl(2): F_SETLEASE with F_RDLCK fails with EAGAIN while any process has the file open for writing,
whatever its user or namespace. A question is a line with two numbers, how many paths follow and how
many bytes they are, and then the paths, each with a NUL byte behind it. The answer is a line with a
letter for each path:

    f  free: nobody has it open for writing
    b  busy: somebody has
    g  gone: no such regular file any more
    u  unknown: the system does not tell this user (not the owner, and no CAP_LEASE)

It ends when its stdin does, so it never outlives the daemon.
"""

# What os and signal are made of: those would be a megabyte of memory, for as long as it runs.
import _signal
import errno
import fcntl
import posix
import sys

GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


def answer(path):
    try:
        # O_NONBLOCK: a FIFO that took the file's place must not hold us up.
        handle = posix.open(path, posix.O_RDONLY | posix.O_NONBLOCK | posix.O_NOFOLLOW | posix.O_CLOEXEC)
    except OSError as error:
        return "g" if error.errno in GONE else "u"
    try:
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        return "f"
    except OSError as error:
        return "b" if error.errno == errno.EAGAIN else "u"
    finally:
        posix.close(handle)


def main():
    # A writer that comes while a lease is held (some microseconds) raises SIGIO, which would kill us.
    _signal.signal(_signal.SIGIO, _signal.SIG_IGN)
    questions = sys.stdin.buffer
    while True:
        head = questions.readline().split()
        if not head:
            return
        count, size = int(head[0]), int(head[1])
        paths = questions.read(size).split(b"\0")[:count]
        sys.stdout.write("".join(map(answer, paths)) + "\n")
        sys.stdout.flush()


main()
