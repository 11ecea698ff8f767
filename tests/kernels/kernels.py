#!/usr/bin/env python3
"""kernels.py CACHE BUILD "KERNELS" TEST... - run test programs on other kernels.

Each of KERNELS, such as 6.1, is a series that Debian packages. Its newest
kernel is downloaded as CACHE/*.deb and booted under QEMU, with an initial file
system that holds busybox, the programs found in BUILD and the libraries they
need. init.sh runs every TEST in there, a program below BUILD. What the machine
printed is kept as CACHE/KERNEL.console, a table of it is printed here. For a
kernel that Debian no longer has, say the path of its .deb.

A kernel passes when
  - every program ran, and printed check's last line: how many passed, failed
    and were skipped; and its exit status agrees with that line;
  - no test failed;
  - the kernel neither panicked nor complained of a bug of its own;
  - the machine came to its closing line. QEMU's exit status says nothing: it
    is 0 after a panic.
Its results are then kept in CACHE/KERNEL.results, and docs/sync.py writes the
verdicts on the book's claims from them to docs/kernels, a file a series.
What cannot be had here (QEMU, a package) is skipped, and said so.

The machine is emulated in software even where the processor could help: some
hosts offer a /dev/kvm on which older kernels hang.
"""
import contextlib
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent
TIME_LIMIT = 900
# What follows the archive's address where kernels are listed: old, new.
SOURCES = ["-security bookworm-security", " trixie-backports"]
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
SUMMARY = re.compile(r"^(\S+): (\d+) passed, (\d+) failed, (\d+) skipped$")
TROUBLE = re.compile(r"Kernel panic|\bBUG:|\bOops\b|general protection fault")
# What a machine without these packages can't do.
TOOLS = {"qemu-system-x86_64": "qemu-system-x86", "apt-get": "apt",
         "apt-cache": "apt", "dpkg-deb": "dpkg", "ldd": "libc-bin",
         "setarch": "util-linux", KEYRING: "debian-archive-keyring"}
# Programs of this computer that tests run, besides their own.
BORROWED = ["setarch"]


class Unavailable(Exception):
    """Something is missing here; the text says what to do about it."""


# ------------------------------------------------------------- packages

def run(*command, **options):
    """The output of a command; None if it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.DEVNULL, check=False, **options)
    return done.stdout if done.returncode == 0 else None


def archive():
    """Where this system has Debian's packages from, unless MIRROR says it."""
    listed = run("apt-get", "indextargets", "--format", "$(REPO_URI)") or ""
    sites = [site.rstrip("/") for site in listed.split()]
    for site in filter(None, [os.environ.get("MIRROR"), *sites]):
        if site.endswith("/debian"):
            return site
    raise Unavailable("no Debian archive is known here: MIRROR=... says where")


def kernel_lists(cache):
    """An environment in which apt knows Debian's kernels, whatever this system
    is. Lists that cannot be renewed stay as they were."""
    mirror = archive()
    apt = (cache / "apt").resolve()
    for directory in ("lists/partial", "archives/partial"):
        (apt / directory).mkdir(parents=True, exist_ok=True)
    (apt / "sources.list").write_text("".join(
        f"deb [signed-by={KEYRING}] {mirror}{source} main\n"
        for source in SOURCES))
    (apt / "apt.conf").write_text(
        f'Dir::State "{apt}"; Dir::State::status "/dev/null";\n'
        f'Dir::Cache "{apt}"; Acquire::Languages "none";\n'
        f'Dir::Etc::SourceList "{apt}/sources.list"; Dir::Etc::SourceParts "-";\n'
        'APT::Architecture "amd64"; APT::Sandbox::User "root";\n')
    environment = {**os.environ, "APT_CONFIG": str(apt / "apt.conf")}
    run("apt-get", "update", env=environment)
    return environment


def kernel_package(series, environment):
    """The package with the newest image of a series: names hold its version.
    From 6.19 on linux-image-* only depends on what linux-binary-* has."""
    names = run("apt-cache", "search", "--names-only",
                r"^linux-(image|binary)-[0-9].*-cloud-amd64$", env=environment)
    found = re.findall(r"^(linux-(image|binary)-(%s[.-]\S*)-cloud-amd64) "
                       % re.escape(series), names or "", re.M)
    if not found:
        raise Unavailable(f"Debian's package lists have no kernel {series}")
    return min(found, key=lambda name: (
        [-int(number) for number in re.findall(r"\d+", name[2])], name[1]))[0]


def package(cache, name, environment=None):
    """The path of a package's file, downloaded if it isn't there yet."""
    found = sorted(cache.glob(name + "_*.deb"))
    if not found:
        run("apt-get", "download", name, cwd=cache, env=environment)
        found = sorted(cache.glob(name + "_*.deb"))
    if not found:
        raise Unavailable(f"the package {name} could not be downloaded")
    return found[-1]


def unpack(archive, pattern, into):
    """The one file of a package whose path matches."""
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", archive],
                          stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as reader:
        run("tar", "-x", "-C", into, "--wildcards", pattern, stdin=reader.stdout)
    found = [path for path in into.rglob("*") if path.is_file()]
    if len(found) != 1:
        raise Unavailable(f"{archive.name} has {len(found)} files {pattern}")
    return found[0]


# ------------------------------------------------- initial file system

def libraries(program):
    """The shared libraries a program is loaded with, the loader among them."""
    return re.findall(r"(/\S+) \(0x", run("ldd", program) or "")


def copy(source, root):
    """Copy to the same absolute path below root, once."""
    target = root / str(source).lstrip("/")
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def scripts():
    """What stands beside the tests and is run by them without being built."""
    return [p for p in pathlib.Path("tests").glob("[0-9]*/*")
            if p.is_file() and p.suffix not in (".c", ".h")]


def programs_of(build):
    """Everything that can be run below the build directory."""
    return [p for p in build.rglob("*") if p.is_file() and
            os.access(p, os.X_OK) and "results" not in p.parts]


def make_initrd(cache, build, tests):
    """The machine's files: the tree as it is here, as far as tests see it."""
    root = cache / "root"
    book = root / "book"
    shutil.rmtree(root, ignore_errors=True)
    for directory in ("bin", "dev", "proc", "sys", "tmp", "book"):
        (root / directory).mkdir(parents=True)
    busybox = unpack(package(cache, "busybox-static"), "*/bin/busybox",
                     cache / "busybox")
    shutil.copy(busybox, root / "bin")
    shutil.copy(HERE / "init.sh", root / "init")
    (root / "init").chmod(0o755)
    shutil.copy("LICENSE", book)
    (book / "build-directory").write_text(f"{build}\n")
    (book / "programs").write_text("".join(f"{test}\n" for test in tests))
    for script in scripts():
        copy(script, book)
    for program in programs_of(build):
        copy(program, book)
        for library in libraries(program):
            copy(library, root)
    for name in BORROWED:
        path = shutil.which(name)
        for needed in [path] + libraries(path):
            copy(needed, root)
    image = cache / "initrd.cpio"
    names = "\n".join(sorted(str(p.relative_to(root)) for p in root.rglob("*")))
    with open(image, "wb") as out:
        subprocess.run([busybox.resolve(), "cpio", "-o", "-H", "newc"],
                       cwd=root, input=names.encode(), stdout=out, check=True,
                       stderr=subprocess.DEVNULL)
    return image


# -------------------------------------------------------------- machine

def boot(kernel, initrd, console):
    """Everything that the machine printed on its serial console."""
    command = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-smp", "2",
               "-m", "512", "-nodefaults", "-no-user-config", "-display", "none",
               "-monitor", "none", "-serial", "stdio", "-no-reboot",
               "-kernel", kernel, "-initrd", initrd,
               "-append", "console=ttyS0 quiet panic=-1"]
    with open(console, "wb") as out, contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(command, stdin=subprocess.DEVNULL, check=False, stdout=out,
                       stderr=subprocess.STDOUT, timeout=TIME_LIMIT)
    return console.read_bytes().decode(errors="replace").replace("\r", "")


class Program:
    """What a test program printed in the machine."""

    def __init__(self, name):
        self.name = name
        self.short = "/".join(name.split("/")[-2:])
        self.lines = []
        self.results = {"tap": [], "skip": []}
        self.status = None
        self.seconds = 0

    def counts(self):
        """passed, failed, skipped; None where the last line is missing."""
        match = SUMMARY.match(self.lines[-1]) if self.lines else None
        return tuple(int(match[i]) for i in (2, 3, 4)) if match else None

    def complaint(self):
        """Why this program doesn't pass; None if it does."""
        counts = self.counts()
        if counts is None:
            return f"ended without its last line (exit {self.status})"
        if counts[1]:
            return f"{counts[1]} failed"
        if sum(counts) == 0:
            return "ran no test"
        if self.status != 0:
            return f"says that all passed and exits with {self.status}"
        return None

    def skips(self):
        """(test, reason) of what could not run there."""
        return [line.split("\t", 1) for line in self.results["skip"]]

    def keep(self, directory):
        """Leave the files that a run on this machine leaves, for the book."""
        for kind, lines in self.results.items():
            path = directory / f"{self.short}.{kind}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(line + "\n" for line in lines))


class Report:
    """A console, read: the kernel's name, the programs, what went wrong."""

    def __init__(self, console, tests):
        self.kernel = None
        self.programs = []
        self.problems = []
        self.ended = False
        self.read(console.splitlines())
        self.judge(tests)

    def read(self, lines):
        """Lines of ours start with ===; others belong to a program."""
        for line in lines:
            # The kernel may have written to the console in between.
            word, _, rest = line[4:].partition(" ") if \
                line.startswith("=== ") else ("", "", "")
            if TROUBLE.search(line):
                self.problems.append(f"the kernel says: {line}")
            if word == "kernel":
                self.kernel = rest
            elif word == "program":
                self.programs.append(Program(rest))
            elif word == "exit":
                self.programs[-1].status, self.programs[-1].seconds = \
                    map(int, rest.split())
            elif word in ("tap", "skip"):
                self.programs[-1].results[word].append(rest)
            elif word == "end":
                self.ended = True
            elif self.programs and self.programs[-1].status is None:
                self.programs[-1].lines.append(line)

    def judge(self, tests):
        """Write down all that is wrong, not just the first."""
        for program in self.programs:
            if program.complaint():
                self.problems.append(f"{program.short}: {program.complaint()}")
        ran = [program.name for program in self.programs]
        for test in tests:
            if ran.count(test) != 1:
                self.problems.append(f"{test}: ran {ran.count(test)} times")
        if not self.ended:
            self.problems.append("the machine stopped before its closing line")

    def table(self):
        """A row a program; then what was skipped, and why."""
        width = max([len(p.short) for p in self.programs], default=0) + 1
        for program in self.programs:
            counts = program.counts() or ("?", "?", "?")
            yield "  %-*s %3s passed, %2s failed, %2s skipped, %2d s" % (
                width, program.short + ":", *counts, program.seconds)
        reasons = {}
        for program in self.programs:
            for test, reason in program.skips():
                reasons.setdefault(reason, []).append(test)
        for reason, names in reasons.items():
            yield f"  SKIPPED, {reason}"
            for name in names:
                yield f"      {name}"

    def transcripts(self):
        """In full what the programs printed that don't pass."""
        for program in self.programs:
            if program.complaint():
                yield f"  --- {program.short}"
                yield from ("  " + line for line in program.lines)


def store(report, results):
    """Renew the verdicts of a kernel's series. A Debian release such as
    6.1.0-9 hides the version, which stands behind it."""
    release = report.kernel.split()[0]
    version = re.search(r"Debian (\d+(?:\.\d+)+)|$", report.kernel)[1] or release
    series = re.match(r"\d+\.\d+", release)[0]
    shutil.rmtree(results, ignore_errors=True)
    for program in report.programs:
        program.keep(results)
    subprocess.run(["docs/sync.py", "verdicts", results,
                    f"docs/kernels/{series}.txt", version], check=True)


def run_kernel(cache, name, initrd, tests, environment):
    """Boot one kernel, print what came of it; True if it passes."""
    archive = pathlib.Path(name) if name.endswith(".deb") else \
        package(cache, kernel_package(name, environment), environment)
    name = archive.stem if name.endswith(".deb") else name
    kernel = unpack(archive, "*/vmlinuz*", cache / archive.stem)
    start = time.monotonic()
    report = Report(boot(kernel, initrd, cache / f"{name}.console"), tests)
    print("Linux %s: %.0f s" % (report.kernel or f"{name}, which didn't start",
                                time.monotonic() - start))
    for line in [*report.table(), *report.transcripts()]:
        print(line)
    sys.stdout.flush()
    for problem in report.problems:
        print(f"{name}: {problem}", file=sys.stderr)
    if not report.problems:
        store(report, cache / f"{name}.results")
    return not report.problems


def missing_tools():
    """The Debian packages to install, a list."""
    if platform.machine() != "x86_64":
        raise Unavailable("the virtual machine is an x86-64, this one isn't")
    return sorted({name for tool, name in TOOLS.items()
                   if not (shutil.which(tool) or os.path.exists(tool))})


def main(cache, build, kernels, tests):
    cache.mkdir(parents=True, exist_ok=True)
    os.umask(0o022)
    passed = True
    try:
        if missing_tools():
            raise Unavailable("please install " + " ".join(missing_tools()))
        initrd = make_initrd(cache, build, tests)
        environment = kernel_lists(cache)
    except Unavailable as why:
        print(f"SKIPPED, {why}: the tests on Linux {', '.join(kernels)}")
        return True
    for name in kernels:
        try:
            passed &= run_kernel(cache, name, initrd, tests, environment)
        except Unavailable as why:
            print(f"SKIPPED, {why}: the tests on Linux {name}")
    return passed


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    sys.exit(not main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]),
                      sys.argv[3].split(), sys.argv[4:]))
