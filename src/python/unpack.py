"""Unpacks a deposited archive into an empty folder, or says why not. Nothing of it is ever run.

Reads one JSON object from stdin and answers with one on stdout, after a line break for each entry and
each MiB it comes to: so one sees that it goes on.

    archive, into            absolute paths; the kind is told by the archive's name
    maxEntries, maxBytes     of what comes out
    maxRatio                 bytes out for each byte in

    {"files": n, "bytes": n}     it is whole, and unpacked
    {"broken": why}              it is cut off or damaged: the rest of an upload could mend it
    {"refused": why}             it holds something that is never unpacked
"""

import ctypes
import gzip
import json
import lzma
import os
import resource
import signal
import stat
import sys
import tarfile
import zipfile
import zlib

CHUNK = 1 << 20
# Below the 4,096 of the system, with room for the folder it is unpacked in.
MAX_PATH = 3000
BROKEN = (lzma.LZMAError, zipfile.BadZipFile, tarfile.ReadError, gzip.BadGzipFile, EOFError, zlib.error)


class Refused(Exception):
    pass


def goes_on():
    sys.stdout.write("\n")
    sys.stdout.flush()


class Unpacking:
    """Counts what comes out, so that no archive brings more than is allowed."""

    def __init__(self, question):
        self.into = question["into"]
        self.max_entries = question["maxEntries"]
        packed = os.path.getsize(question["archive"])
        self.max_bytes = min(question["maxBytes"], max(packed * question["maxRatio"], 10 * CHUNK))
        self.files = 0
        self.entries = 0
        self.bytes = 0
        self.seen = set()

    def place(self, name):
        parts = [part for part in name.split("/") if part != "."]
        if name.endswith("/"):
            parts = parts[:-1]
        if name.startswith("/") or "\\" in name or "\0" in name or "" in parts or ".." in parts:
            raise Refused("%r would leave the folder it is unpacked in" % name)
        path = "/".join(parts)
        if max(map(len, map(os.fsencode, parts)), default=0) > 255 or len(os.fsencode(path)) > MAX_PATH:
            raise Refused("%.60r...: this name is too long" % name)
        goes_on()
        self.entries += 1
        if self.entries > self.max_entries:
            raise Refused("it has more than %d entries" % self.max_entries)
        return path

    def folder(self, name):
        os.makedirs(os.path.join(self.into, self.place(name)), exist_ok=True)

    def file(self, name, source, executable):
        path = self.place(name)
        if path in self.seen:
            raise Refused("%r is in it twice" % name)
        self.seen.add(path)
        target = os.path.join(self.into, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "xb") as out:
            while True:
                data = source.read(CHUNK)
                if not data:
                    break
                self.bytes += len(data)
                if self.bytes > self.max_bytes:
                    raise Refused("it unpacks to more than %d bytes" % self.max_bytes)
                out.write(data)
                goes_on()
        if executable:
            os.chmod(target, 0o755)
        self.files += 1


def unpack_zip(path, unpacking):
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            mode = info.external_attr >> 16
            if info.flag_bits & 1:
                raise Refused("%r is encrypted" % info.filename)
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise Refused("%r is a link or a special file" % info.filename)
            if info.is_dir():
                unpacking.folder(info.filename)
            else:
                with archive.open(info) as source:
                    unpacking.file(info.filename, source, bool(mode & 0o100))


def unpack_tar(path, unpacking):
    with tarfile.open(path, "r:gz") as archive:
        for info in archive:
            if info.isdir():
                if info.name not in (".", "./"):
                    unpacking.folder(info.name)
            elif info.isreg():
                unpacking.file(info.name, archive.extractfile(info), bool(info.mode & 0o100))
            else:
                raise Refused("%r is a link or a special file" % info.name)
    # tarfile stops at the end mark; the checksum of the whole comes after it.
    with gzip.open(path) as whole:
        while whole.read(CHUNK):
            goes_on()


def unpack(question):
    unpacking = Unpacking(question)
    try:
        if question["archive"].endswith(".zip"):
            unpack_zip(question["archive"], unpacking)
        else:
            unpack_tar(question["archive"], unpacking)
    except Refused as error:
        return {"refused": str(error)}
    except BROKEN as error:
        return {"broken": str(error) or type(error).__name__}
    except (NotADirectoryError, FileExistsError, IsADirectoryError) as error:
        return {"refused": "%r is a file and a folder in it" % os.path.basename(error.filename)}
    except (OSError, ValueError, RuntimeError, NotImplementedError, MemoryError) as error:
        if getattr(error, "errno", None) in (28, 122):
            raise
        return {"refused": "%s: %s" % (type(error).__name__, error)}
    if unpacking.files == 0:
        return {"refused": "there is no file in it"}
    return {"files": unpacking.files, "bytes": unpacking.bytes}


def main():
    # Dies with the daemon: prctl(2), PR_SET_PDEATHSIG. The next one unpacks into the same folder.
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    json.dump(unpack(json.load(sys.stdin)), sys.stdout)


main()
