"""LangGraph with its SQLite saver: a graph of ten nodes in a line, a checkpoint written after each.

`durability="sync"` makes LangGraph write a checkpoint before the next node begins, which is what
Atelier promises for a step. The saver sets WAL and leaves SQLite's `synchronous` at FULL, so every
commit is flushed. Each run is a thread of its own (`thread_id`), as the documentation asks.
"""

from typing import TypedDict

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph

import measure


class State(TypedDict):
    count: int


def compiled(saver):
    """Ten nodes, each adding one, in a line from START to END."""
    graph = StateGraph(State)
    previous = START
    for number in range(measure.STEPS):
        name = f"step_{number}"
        graph.add_node(name, lambda state: {"count": state["count"] + 1})
        graph.add_edge(previous, name)
        previous = name
    graph.add_edge(previous, END)
    return graph.compile(checkpointer=saver)


def main():
    options = measure.arguments()
    database = options.data / "langgraph.sqlite"
    with SqliteSaver.from_conn_string(str(database)) as saver:
        saver.setup()
        app = compiled(saver)

        def one_run(number):
            config = {"configurable": {"thread_id": f"run-{number}"}}
            result = app.invoke({"count": 0}, config, durability="sync")
            assert result["count"] == measure.STEPS, result

        one_run("warm-up")
        before = measure.stored_bytes(database)
        measured = measure.in_threads(options, one_run)
        after = measure.stored_bytes(database)
    measure.report("langgraph", "sync-every-step", options, measured, before, after)


if __name__ == "__main__":
    main()
