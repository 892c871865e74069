# SPDX-License-Identifier: MIT
"""A long run of all fuzz targets, in short pieces that are added up: campaign.py WORK_FOLDER [options].

Each target runs in two builds: "sanitized" (ASan and UBSan, -O1) and "plain" (-O2, the checks of the targets alone,
many times as fast, since libFuzzer is not told of comparisons either); both work on the same corpus. Of those that
have not done their share of the wanted executions, the one that has had the least time comes next, so that every target
gets its part however slow it is. WORK_FOLDER keeps the builds, the corpora as they grow, a line for each piece
(pieces.tsv) and what made a target fail (crashes/); the same command again goes on where the last one stopped, or was
stopped.

Needs clang, meson and ninja. Ends with a table, and with 1 if something was found.
"""
import argparse
import collections
import concurrent.futures
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
BUILDS = {
    'plain': ['-Doptimization=2', '-Ddebug=false', '-Dcpp_args=-fno-sanitize-coverage=trace-cmp'],
    'sanitized': ['-Doptimization=1', '-Ddebug=true', '-Db_sanitize=address,undefined', '-Db_lundef=false'],
}
# Share of the executions, in thousandths; the longest input, and that of two runs out of three. The parsers are many
# times as quick as a session, and most of what they can meet is short: the slow targets get most of the time, the quick
# ones most of the executions, and none less than three in a thousand. One piece in three has long inputs, and chooses
# among them by entropy, which finds more with each execution but takes longer than all but the slowest targets.
TARGETS = {'proxy': (450, 600, 64), 'command': (280, 600, 64), 'dots': (180, 400, 48), 'sasl': (70, 600, 80),
           'session': (10, 2000, 600), 'single': (3, 1500, 400), 'cuts': (3, 1500, 400), 'model': (4, 300, 60)}
# Who begins with the corpus of another, since its input has the same form.
CORPUS = {'single': 'session'}
PATIENCE = 10  # seconds of a processor for one input
stopped = threading.Event()
running = set()
lock = threading.Lock()


def build(work):
    for kind, options in BUILDS.items():
        folder = work / kind
        if not (folder / 'build.ninja').exists():
            subprocess.run(['meson', 'setup', folder, HERE.parent, '-Dtests=disabled', '-Dexamples=disabled',
                            '-Dfuzz=enabled', *options], check=True, env={**os.environ, 'CXX': 'clang++'})
        subprocess.run(['meson', 'compile', '-C', folder], check=True, stdout=subprocess.DEVNULL)
        # A copy: whoever builds there later does not disturb a run.
        programs = work / 'programs' / kind
        programs.mkdir(parents=True, exist_ok=True)
        for target in TARGETS:
            shutil.copy2(folder / 'fuzz' / f'fuzz_{target}', programs / 'new')
            (programs / 'new').replace(programs / target)


def past(work):
    """[(build, target, executions, seconds of a processor)] of all pieces that have ended."""
    path = work / 'pieces.tsv'
    rows = [line.split('\t') for line in path.read_text().splitlines()] if path.exists() else []
    return [(kind, target, int(runs), float(seconds)) for kind, target, runs, seconds in rows]


def corpora(work, target):
    """What has grown here, and what the project keeps."""
    grown = work / 'corpus' / target
    grown.mkdir(parents=True, exist_ok=True)
    return grown, HERE / 'corpus' / f'fuzz_{CORPUS.get(target, target)}'


def minimise(work, target, keep):
    """Leaves in what has grown only the inputs that reach something new beyond those that the project keeps. With
    `keep` the project gets the fewest that reach all code, whatever the counts, beside its seeds and crashes, which
    have names."""
    grown, kept = corpora(work, target)
    if keep:
        for path in kept.iterdir():
            if re.fullmatch('[0-9a-f]{40}', path.name):
                shutil.move(path, grown / path.name)
    before = len(list(grown.iterdir()))
    with tempfile.TemporaryDirectory(dir=work) as folder:
        merged = pathlib.Path(folder)
        for path in kept.iterdir():
            shutil.copy(path, merged)
        how = ['-set_cover_merge=1', '-use_counters=0'] if keep else ['-merge=1']
        subprocess.run([work / 'programs' / 'plain' / target, *how, merged, grown], check=True,
                       stderr=subprocess.DEVNULL)
        new = [path for path in merged.iterdir() if not (kept / path.name).exists()]
        if not keep:
            for path in grown.iterdir():
                path.unlink()
        for path in new:
            shutil.copy(path, kept if keep else grown)
    print(f'{target}: {len(new)} of {before} {"kept by the project" if keep else "left"}', flush=True)


def run(work, kind, target, runs, seconds, number):
    """One piece. False: the target has failed."""
    _, longest, short = TARGETS[target]
    grown, kept = corpora(work, target)
    log = work / f'{kind}-{target}.log'
    (work / 'crashes').mkdir(exist_ok=True)
    with log.open('wb') as out:
        process = subprocess.Popen(
            [work / 'programs' / kind / target, f'-runs={runs}', f'-max_total_time={seconds}',
             f'-max_len={short if number % 3 else longest}', f'-entropic={int(number % 3 == 0)}', '-reload=0',
             f'-timeout={60 * PATIENCE}', f'-report_slow_units={PATIENCE}', '-rss_limit_mb=2048',
             '-print_final_stats=1', f'-dict={HERE}/pop3.dict', f'-artifact_prefix={work}/crashes/{target}-',
             grown, kept],
            stdout=out, stderr=out)
        with lock:
            running.add(process)
        if stopped.is_set():
            process.terminate()
        _, status, usage = os.wait4(process.pid, 0)
        with lock:
            process.returncode = os.waitstatus_to_exitcode(status)
            running.discard(process)
    # A target that is stopped tells how far it came, too.
    done = re.search(r'stat::number_of_executed_units: *(\d+)', log.read_text(errors='replace'))
    if done:
        with lock, (work / 'pieces.tsv').open('a') as pieces:
            pieces.write(f'{kind}\t{target}\t{done[1]}\t{usage.ru_utime + usage.ru_stime:.1f}\n')
    slow, late = too_slow(work, kind, target), 'libFuzzer: timeout' in log.read_text(errors='replace')
    return not slow and (status == 0 or late or stopped.is_set())


def too_slow(work, kind, target):
    """Whether any of the inputs that took too long needs that much time of a processor. The others are no findings:
    libFuzzer's clock runs on while the machine does something else."""
    def limit():
        resource.setrlimit(resource.RLIMIT_CPU, (PATIENCE, PATIENCE))

    late = [path for form in ('timeout', 'slow-unit') for path in (work / 'crashes').glob(f'{target}-{form}-*')]
    for path in late:
        if subprocess.run([work / 'programs' / kind / target, path], preexec_fn=limit, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode == 0:
            path.unlink(missing_ok=True)
    return any(path.exists() for path in late)


def table(work):
    total = {}
    for kind, target, runs, seconds in past(work):
        for key in ((kind, target), (kind, 'all')):
            old = total.get(key, (0, 0.0))
            total[key] = old[0] + runs, old[1] + seconds
    print(f'{"build":<10} {"target":<8} {"executions":>14} {"hours":>7} {"a second":>9}')
    for kind in BUILDS:
        for target in [*TARGETS, 'all']:
            if (kind, target) in total:
                runs, seconds = total[kind, target]
                print(f'{kind:<10} {target:<8} {runs:>14,} {seconds / 3600:>7.2f} {runs / max(seconds, 1):>9,.0f}')
    print(f'{sum(runs for _, _, runs, _ in past(work)):,} executions, '
          f'{sum(runs for kind, _, runs, _ in past(work) if kind == "sanitized"):,} of them with sanitizers, '
          f'{len(list((work / "crashes").glob("*")))} findings', flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('work', type=pathlib.Path)
    parser.add_argument('--runs', type=int, default=500_000_000, help='executions wanted in all')
    parser.add_argument('--sanitized', type=int, help='of these, with sanitizers; otherwise a tenth')
    parser.add_argument('--seconds', type=int, default=1 << 40, help='no new piece after so many')
    parser.add_argument('--piece', type=int, default=60, help='seconds of one piece')
    parser.add_argument('--jobs', type=int, default=os.cpu_count())
    parser.add_argument('--anew', action='store_true', help='count from 0, with the corpora there are')
    parser.add_argument('--minimise', action='store_true', help='only the corpora that have grown')
    parser.add_argument('--keep', action='store_true', help="only choose the project's corpora anew")
    parser.add_argument('--table', action='store_true', help='only add up')
    args = parser.parse_args()
    work = args.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    if args.table:
        return table(work)
    if args.anew:
        (work / 'pieces.tsv').unlink(missing_ok=True)
    forgotten = {path.stem for path in HERE.glob('fuzz_*.cpp')} - {f'fuzz_{target}' for target in TARGETS}
    if forgotten:
        sys.exit(f'not in TARGETS: {sorted(forgotten)}')
    build(work)
    if args.minimise or args.keep:
        for target in [name for name in TARGETS if name not in CORPUS] if args.keep else TARGETS:
            minimise(work, target, args.keep)
        return 0

    sanitized = args.runs // 10 if args.sanitized is None else args.sanitized
    wanted = {'sanitized': sanitized, 'plain': args.runs - sanitized}
    goals = {(kind, target): max(1, wanted[kind] * share // 1000)
             for kind in BUILDS for target, (share, *_) in TARGETS.items() if wanted[kind] > 0}
    ended = time.monotonic() + args.seconds
    busy, failed = set(), set()

    def next_piece():
        """What is behind, how much is left of it, and which piece of it that is; nothing: all is done."""
        done, number, spent = collections.Counter(), collections.Counter(), collections.Counter()
        for kind, target, runs, seconds in past(work):
            done[kind, target] += runs
            number[kind, target] += 1
            spent[kind, target] += seconds
        left = [key for key in goals if key not in busy and key[1] not in failed and done[key] < goals[key]]
        if not left or stopped.is_set() or time.monotonic() > ended:
            return None
        key = min(left, key=lambda k: spent[k])
        return key, goals[key] - done[key], number[key]

    def worker():
        while True:
            with lock:
                piece = next_piece()
                if piece is None:
                    return
                key, runs, number = piece
                busy.add(key)
            seconds = min(args.piece, max(1, int(ended - time.monotonic())))
            good = run(work, *key, runs, seconds, number)
            with lock:
                busy.discard(key)
                if not good:
                    failed.add(key[1])
                    print(f'FOUND: {work}/{key[0]}-{key[1]}.log', flush=True)

    def stop(*_):
        stopped.set()
        for process in list(running):
            process.terminate()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for future in [pool.submit(worker) for _ in range(args.jobs)]:
            future.result()
    table(work)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
