"""Long work on many items, in processes of their own, with a progress bar."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")
Done = TypeVar("Done")


def in_processes(work: Callable[[Item], Done], items: Iterable[Item], *, workers: int, label: str, unit: str) -> Iterator[Done]:
    """`work(item)` of every item, as each is done. work: at the top of a module, or a `partial` of such.

    New processes, not forked ones: a copy of a process with threads may wait for ever. Interrupted, what has begun is finished
    and the rest is left for another time.
    """
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(work, item) for item in items]
        try:
            for job in tqdm(as_completed(jobs), total=len(jobs), desc=label, unit=unit):
                yield job.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
