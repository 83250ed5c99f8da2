"""Checks the Python files of a release without running any of them.

Reads one JSON object from stdin and answers with one on stdout, after a line break for each file it
comes to: so one sees that it goes on.

    files      [{"read": where the staged file is, "place": where it will lie, "path": relative to main}]
    bytecode   folder for the compiled files, laid out as in main; null: they are not kept
    entry      the program, relative to main
    roots      folders to look for the program's own modules in: staging first, then main
    staged     paths relative to the first of them, which alone count there; null: all that is there
    search     the program's module search path
    gone       paths relative to main that the release removes

    errors     [{"path", "line", "message"}]   files that Python cannot compile
    bytecode   paths of the compiled files, relative to the bytecode folder
    missing    [{"module", "path", "line"}]    modules that the program imports and nobody has

Compiling is what Python itself would do first: ast.parse alone lets `return` outside a function
pass. Bytecode is of the checked-hash kind: it stays valid when files are renamed or copied, and is
never taken for that of another source (PEP 552).
"""

import ast
import importlib.machinery
import importlib.util
import json
import os
import resource
import sys
from importlib._bootstrap_external import _code_to_hash_pyc

MEMORY = 1 << 30
PROBLEMS = (OSError, SyntaxError, ValueError, RecursionError, MemoryError, OverflowError)


def goes_on():
    sys.stdout.write("\n")
    sys.stdout.flush()


def read(path):
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        return file.read()


def compiled(file):
    """Compiles one file; returns the bytecode as it is stored."""
    source = read(file["read"])
    code = compile(source, file["place"], "exec", dont_inherit=True)
    return _code_to_hash_pyc(code, importlib.util.source_hash(source), True)


def store(bytecode, path, folder):
    """Stores the bytecode of a file; returns its path relative to the folder, or None.

    A name that is too long with its suffix, or a full disk, is no reason to refuse the file: Python
    does without.
    """
    cache = importlib.util.cache_from_source(path)
    target = os.path.join(folder, cache)
    try:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as out:
            out.write(bytecode)
    except OSError:
        return None
    return cache


def explain(path, error):
    message = getattr(error, "msg", None) or str(error) or "too deeply nested or too large"
    return {
        "path": path,
        "line": getattr(error, "lineno", None),
        "message": "%s: %s" % (type(error).__name__, message),
    }


def needed(tree, package):
    """(module, line) of the imports that are made, always, when a file of the package is loaded."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join(above + ([node.module] if node.module else []))
            for module in [base] + [base + "." + alias.name for alias in node.names]:
                if base:
                    yield module, node.lineno


def own(module, roots, gone, staged):
    """The file of one of the program's own modules; '' if it is none of Python's text; None if not its own."""
    path = module.replace(".", "/")
    suffixes = ["/__init__.py", ".py", *importlib.machinery.EXTENSION_SUFFIXES, ""]
    for root in roots:
        for suffix in suffixes:
            place = os.path.join(root, path + suffix)
            # Only main loses what the release removes; what takes its place is in staging.
            if root == roots[-1] and is_gone(path + suffix, gone):
                continue
            if root == roots[0] and staged is not None and path + suffix not in staged:
                continue
            if os.path.isdir(place) if suffix == "" else os.path.isfile(place):
                return place if suffix.endswith(".py") else ""
    return None


def is_gone(path, gone):
    parts = path.split("/")
    return any("/".join(parts[: end + 1]) in gone for end in range(len(parts)))


def missing(question):
    """The modules reachable from the entry by imports at the top of files, that cannot be found."""
    roots, gone = question["roots"], set(question["gone"])
    staged = None if question["staged"] is None else set(question["staged"])
    start = own(question["entry"][: -len(".py")], roots, gone, staged)
    known = set(sys.builtin_module_names) | set(getattr(sys, "stdlib_module_names", ()))
    waiting, seen, absent = [start] if start else [], set(), {}
    while waiting:
        file = waiting.pop()
        if file in seen:
            continue
        seen.add(file)
        goes_on()
        try:
            package = shown(file, roots).split("/")[:-1]
            imports = list(needed(ast.parse(read(file)), package))
        except PROBLEMS:
            continue
        for module, line in imports:
            top = module.split(".")[0]
            if own(top, roots, gone, staged) is not None:
                waiting.extend(found for found in lineage(module, roots, gone, staged) if found)
            elif top not in known and top not in absent:
                # Only the top-level name: for a deeper one Python would run the parent package.
                if importlib.machinery.PathFinder.find_spec(top, question["search"]) is None:
                    absent[top] = {"module": top, "path": shown(file, roots), "line": line}
    return list(absent.values())


def lineage(module, roots, gone, staged):
    """The files of a module and of the packages above it, as far as there are some."""
    parts = module.split(".")
    return [own(".".join(parts[: end + 1]), roots, gone, staged) for end in range(len(parts))]


def shown(file, roots):
    for root in roots:
        if file.startswith(root + "/"):
            return file[len(root) + 1 :]
    return file


def main():
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    question = json.load(sys.stdin)
    errors, bytecode = [], []
    for file in question["files"]:
        goes_on()
        try:
            made = compiled(file)
        except PROBLEMS as error:
            errors.append(explain(file["path"], error))
            continue
        # The entry is run as a script, and Python never looks for its bytecode.
        if file["path"] != question["entry"] and question["bytecode"] is not None:
            bytecode.append(store(made, file["path"], question["bytecode"]))
    stored = [path for path in bytecode if path]
    json.dump({"errors": errors, "bytecode": stored, "missing": missing(question)}, sys.stdout)


main()
