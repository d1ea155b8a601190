"""What `./demo up` says when it is done: where everything is and what to try."""

from rich.console import Console
from rich.table import Table

from demo.supervisor.control import Snapshot

_TRY = """\
[bold]Try it:[/] three orders of one user, each to another instance …

  curl -s {order1}/orders -H 'content-type: application/json' \\
       -d '{{"user_id":"ada","lines":[{{"product_id":"espresso-beans","quantity":1}}]}}'
  curl -s {order2}/orders -H 'content-type: application/json' \\
       -d '{{"user_id":"ada","lines":[{{"product_id":"green-tea","quantity":2}}]}}'
  curl -s {order3}/orders -H 'content-type: application/json' \\
       -d '{{"user_id":"ada","lines":[{{"product_id":"stoneware-mug","quantity":3}}]}}'

… one instance knows a third of them, the catalog knows them all:

  curl -s '{order1}/orders?user_id=ada'
  curl -s '{catalog}/orders?user_id=ada'

[bold]And then:[/]
  ./demo status                        what runs, memory, lag
  ./demo logs -f                       what happens
  ./demo load --orders 2000 --rate 100 orders from many users; how soon each is visible
  ./demo audit                         compare every database and topic, row by row
  ./demo rebuild                       build the read model again from the topics, while it serves
  ./demo kafka quorum                  who leads the brokers; docs/kafka.md has more
  ./demo down                          stop it (--volumes: and erase its data)
"""


def welcome(snapshot: Snapshot, *, seconds: float, console: Console) -> None:
    """Print addresses and first steps for the stack of `snapshot`."""
    urls = {name: part["url"] for name, part in snapshot["parts"].items()}
    console.print(
        f"[bold green]Ready[/] in {seconds:.1f} s. It keeps running; a part that dies is restarted.\n"
    )
    console.print(addresses(snapshot))
    console.print()
    text = _TRY.format(
        order1=urls["order-1"], order2=urls["order-2"], order3=urls["order-3"], catalog=urls["catalog"]
    )
    console.print(text, highlight=False, soft_wrap=True)


def addresses(snapshot: Snapshot) -> Table:
    """Where each part of the stack of `snapshot` is reached."""
    urls = {name: part["url"] for name, part in snapshot["parts"].items()}
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_row("catalog: page, queries, /docs", urls["catalog"])
    for name in sorted(name for name in urls if name.startswith("order-")):
        table.add_row(f"{name}: commands, /docs", urls[name])
    table.add_row("sink connector: REST", urls["sink"])
    if "zipkin" in urls:
        table.add_row("traces: Zipkin", f"{urls['zipkin']}/zipkin/")
    if "prometheus" in urls:
        table.add_row("metrics: Prometheus", urls["prometheus"])
    if "playground" in urls:
        table.add_row("playground: switches on the page", f"{urls['catalog']}/#/playground")
    table.add_row("Kafka", snapshot["kafka"]["bootstrap"])
    table.add_row("PostgreSQL, database `read`", urls["postgres"])
    return table
