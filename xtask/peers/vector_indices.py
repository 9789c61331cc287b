"""Measures one vector index for `cargo xtask bench vectors` and prints a line of JSON.

All search for the ten nearest by cosine, one query at a time on one thread. Vectors and queries are
files of 32-bit floats, the exact answers a file of 32-bit numbers: for each of the shares, ten for each
query, of those rows whose mark is below the share.
"""

import argparse
import json
import os
import resource
import time
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LANCE_CPU_THREADS"):
    os.environ[name] = "1"

import numpy

COUNT = 10
SHARES = (100, 50, 10, 1)


def mark(numbers):
    """What filters ask for: below a share of a hundred."""
    return numbers % 100 * 79 % 100


class Usearch:
    def __init__(self, folder, dimensions, kind):
        from usearch.index import Index

        self.index = Index(ndim=dimensions, metric="cos", dtype=kind)

    def add(self, first, vectors):
        self.index.add(numpy.arange(first, first + len(vectors)), vectors, threads=1)

    def search(self, query):
        return self.index.search(query, COUNT, threads=1).keys


class Hnswlib:
    def __init__(self, folder, dimensions, kind):
        import hnswlib

        self.index = hnswlib.Index(space="ip", dim=dimensions)
        self.index.init_index(max_elements=2_000_000, M=16, ef_construction=100)
        self.index.set_num_threads(1)
        self.index.set_ef(int(kind))

    def add(self, first, vectors):
        self.index.add_items(vectors, numpy.arange(first, first + len(vectors)), num_threads=1)

    def search(self, query):
        return self.index.knn_query(query, COUNT, num_threads=1)[0][0]


class Faiss:
    """One bit a number, the whole of it scanned, and the best few hundred scored exactly."""

    def __init__(self, folder, dimensions, kind):
        import faiss

        faiss.omp_set_num_threads(1)
        self.candidates = int(kind)
        self.index = faiss.IndexBinaryFlat(dimensions)
        self.vectors = numpy.zeros((0, dimensions), numpy.float32)

    def add(self, first, vectors):
        self.index.add(numpy.packbits(vectors > 0, axis=1))
        self.vectors = numpy.concatenate([self.vectors, vectors])

    def search(self, query):
        _, near = self.index.search(numpy.packbits(query > 0)[None], self.candidates)
        near = near[0]
        similarities = self.vectors[near] @ query
        return near[numpy.argsort(-similarities)[:COUNT]]


class Chroma:
    def __init__(self, folder, dimensions, kind):
        import chromadb

        client = chromadb.PersistentClient(str(folder), chromadb.Settings(anonymized_telemetry=False))
        space = {"hnsw": {"space": "cosine"}}
        self.collection = client.create_collection("vectors", configuration=space, embedding_function=None)

    def add(self, first, vectors):
        for begin in range(0, len(vectors), 5_000):
            part = vectors[begin : begin + 5_000]
            numbers = range(first + begin, first + begin + len(part))
            metadata = [{"mark": mark(number)} for number in numbers]
            self.collection.add(ids=[str(number) for number in numbers], embeddings=part, metadatas=metadata)

    def search(self, query):
        return self.ask(query, None)

    def filtered(self, query, below):
        return self.ask(query, {"mark": {"$lt": below}})

    def ask(self, query, where):
        found = self.collection.query(query_embeddings=[query], n_results=COUNT, where=where, include=[])
        return numpy.array([int(number) for number in found["ids"][0]])


class Lancedb:
    def __init__(self, folder, dimensions, kind):
        import lancedb
        import pyarrow

        self.arrow, self.table, self.dimensions = pyarrow, None, dimensions
        self.database = lancedb.connect(str(folder))

    def add(self, first, vectors):
        flat = self.arrow.array(vectors.reshape(-1))
        lists = self.arrow.FixedSizeListArray.from_arrays(flat, self.dimensions)
        numbers = self.arrow.array(numpy.arange(first, first + len(vectors)))
        marks = self.arrow.array(mark(numpy.arange(first, first + len(vectors))))
        rows = self.arrow.table({"number": numbers, "mark": marks, "vector": lists})
        if self.table is None:
            self.table = self.database.create_table("vectors", rows)
        else:
            self.table.add(rows)

    def finish(self):
        self.table.create_index(
            metric="cosine", vector_column_name="vector", index_type="IVF_HNSW_SQ", replace=True
        )

    def search(self, query):
        return self.ask(self.table.search(query))

    def filtered(self, query, below):
        return self.ask(self.table.search(query).where(f"mark < {below}", prefilter=True))

    def ask(self, search):
        found = search.metric("cosine").nprobes(20).ef(100).limit(COUNT).select(["number", "_distance"]).to_arrow()
        return found["number"].to_numpy()


class SqliteVec:
    def __init__(self, folder, dimensions, kind):
        import apsw
        import sqlite_vec

        self.connection = apsw.Connection(str(folder / "vectors.db"))
        self.connection.enable_load_extension(True)
        self.connection.load_extension(sqlite_vec.loadable_path())
        column = f"vector float[{dimensions}] distance_metric=cosine"
        self.connection.execute(f"CREATE VIRTUAL TABLE vectors USING vec0(number integer primary key, mark integer, {column})")

    def add(self, first, vectors):
        with self.connection:
            rows = ((number, mark(number), vector.tobytes()) for number, vector in enumerate(vectors, first))
            self.connection.executemany("INSERT INTO vectors(number, mark, vector) VALUES (?, ?, ?)", rows)

    def search(self, query):
        return self.ask("", query)

    def filtered(self, query, below):
        return self.ask(f"AND mark < {below}", query)

    def ask(self, condition, query):
        sql = f"SELECT number FROM vectors WHERE vector MATCH ? AND k = {COUNT} {condition} ORDER BY distance"
        return numpy.array([row[0] for row in self.connection.execute(sql, (query.tobytes(),))])


SYSTEMS = {
    "usearch": Usearch,
    "hnswlib": Hnswlib,
    "faiss": Faiss,
    "chroma": Chroma,
    "lancedb": Lancedb,
    "sqlite-vec": SqliteVec,
}


def measure(search, queries, truth, seconds):
    """How fast the queries are answered again and again, the middle of the rounds, and what is found.

    A system that does not answer all of them in the time is asked as many as it answers.
    """
    search(queries[0])
    found, times, begin, cpu = 0, [], time.monotonic(), time.process_time()
    while time.monotonic() - begin < seconds:
        for query, expected in zip(queries, truth):
            before = time.perf_counter()
            answer = search(query)
            times.append(time.perf_counter() - before)
            found += len(numpy.intersect1d(answer, expected))
            if time.monotonic() - begin > seconds:
                break
    rounds = [times[first : first + len(queries)] for first in range(0, len(times), len(queries))]
    whole = [part for part in rounds if len(part) == len(queries)] or rounds
    return {
        "queries_per_second": float(numpy.median([len(part) / sum(part) for part in whole])),
        "queries_per_cpu_second": len(times) / (time.process_time() - cpu),
        "middle_us": float(numpy.median(times) * 1e6),
        "recall": found / (COUNT * len(times)),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--system", choices=SYSTEMS, required=True)
    parser.add_argument("--kind", default="", help="the variant: a number type, or how many candidates")
    parser.add_argument("--dimensions", type=int, default=384)
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--queries", type=Path, required=True)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="an empty folder")
    parser.add_argument("--seconds", type=float, default=10.0, help="for each kind of query, at most")
    chosen = parser.parse_args()
    read = lambda path: numpy.fromfile(path, numpy.float32).reshape(-1, chosen.dimensions)
    rows, queries = read(chosen.rows), read(chosen.queries)
    truth = numpy.fromfile(chosen.truth, numpy.uint32).reshape(len(SHARES), -1, COUNT)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    system = SYSTEMS[chosen.system](chosen.folder, chosen.dimensions, chosen.kind)
    begin, cpu = time.monotonic(), time.process_time()
    for first in range(0, len(rows), 10_000):
        system.add(first, rows[first : first + 10_000])
    if hasattr(system, "finish"):
        system.finish()
    elapsed, cpu = time.monotonic() - begin, time.process_time() - cpu
    figures = {
        "system": f"{chosen.system} {chosen.kind}".strip(),
        "rows": len(rows),
        "ingest_seconds": elapsed,
        "rows_per_cpu_second": len(rows) / cpu,
        "resident_mib": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024,
        "disk_mib": sum(file.stat().st_size for file in chosen.folder.rglob("*") if file.is_file()) / 2**20,
        "all": measure(system.search, queries, truth[0], chosen.seconds),
    }
    if hasattr(system, "filtered"):
        for share, expected in list(zip(SHARES, truth))[1:]:
            search = lambda query: system.filtered(query, share)
            figures[f"filter {share}"] = measure(search, queries, expected, min(chosen.seconds, 2.0))
    print(json.dumps(figures))


main()
