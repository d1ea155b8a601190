"""The peers that have to be built first, and what became of the attempt."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.sink.peers import bento, faucet, quix
from benchmarks.sink.peers.cache import CannotBuildError


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """How a peer is called, built, and what is to be said beside its figures."""

    title: str
    version: str
    build: Callable[[Path], Path]
    remark: str


PEERS: Mapping[str, Peer] = {
    "faucet": Peer(title="faucet", version=faucet.VERSION, build=faucet.build, remark=faucet.REMARK),
    "quix": Peer(title="Quix Streams", version=quix.VERSION, build=quix.build, remark=quix.REMARK),
    "bento": Peer(title="Bento", version=bento.VERSION, build=bento.build, remark=bento.REMARK),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """The program of every peer that can be run here, and why the others cannot."""

    programs: Mapping[str, Path] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)


def build(groups: Iterable[str], cache: Path) -> Built:
    """Build those of `groups` that are peers, one after the other. One that was built before is taken as it is."""
    programs, missing = {}, {}
    for group in groups:
        if group not in PEERS:
            continue
        peer = PEERS[group]
        print(f"{peer.title} {peer.version}: building, if it is not there yet", flush=True)
        try:
            programs[group] = peer.build(cache)
        except CannotBuildError as error:
            missing[group] = str(error)
            print(f"{peer.title} {peer.version} is left out: {error}", flush=True)
    return Built(programs=programs, missing=missing)
