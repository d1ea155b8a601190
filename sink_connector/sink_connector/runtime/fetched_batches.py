"""Taking what aiokafka has fetched as its decoder gives it.

`getmany` makes a `ConsumerRecord` of every record, by a generator: a third of what a record costs the consumer. For a consumer
of ours a fetched partition is therefore asked for its decoded batches as they are; what decides when there is something, what
was taken away by a rebalance and what has failed stays `getmany`.
"""

from collections import OrderedDict
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException

from sink_connector.data.write_record import KafkaRecord


def install(consumer: AIOKafkaConsumer) -> None:
    """Have `getmany` of a consumer that was just started return lists of `KafkaRecord`."""
    consumer._fetcher._records = _Fetched()  # noqa: SLF001 - there is no other place between fetching and taking


class _Fetched(OrderedDict[TopicPartition, Any]):
    """The fetched partitions of a consumer."""

    def __setitem__(self, partition: TopicPartition, found: Any) -> None:
        if isinstance(found, FetchResult):
            found.getall = _Batches(found).take
        super().__setitem__(partition, found)


class _Batches:
    """The record batches of one fetched partition, in order."""

    __slots__ = ("_decoded", "_next_offset", "_result", "_taken")

    def __init__(self, result: FetchResult) -> None:
        self._result = result
        self._decoded: list[KafkaRecord] = []  # of the batch that was decoded last
        self._taken = 0  # of these
        self._next_offset = 0  # after it

    def take(self, most: int | None = None) -> list[KafkaRecord]:
        """The next records; empty when there are none left, or they are no longer to be returned.

        Raises `CorruptRecordException`, and what decoding raises; what is left of the partition is then fetched again.
        """
        result = self._result
        if not result.has_more() or not result.check_assignment(result._topic_partition):  # noqa: SLF001
            return []
        found: list[KafkaRecord] = []
        try:
            while most is None or len(found) < most:
                if self._taken == len(self._decoded) and not self._decode():
                    break
                found += self._some(None if most is None else most - len(found))
        except BaseException:
            result._partition_records = None  # noqa: SLF001
            raise
        result._update_position()  # noqa: SLF001
        if self._taken == len(self._decoded) and not self._unpacked._records.has_next():  # noqa: SLF001
            result._partition_records = None  # noqa: SLF001
        return found

    @property
    def _unpacked(self) -> PartitionRecords:
        return self._result._partition_records  # noqa: SLF001

    def _some(self, most: int | None) -> list[KafkaRecord]:
        """Records of the decoded batch that were not taken yet; the position moves past them."""
        end = len(self._decoded) if most is None else self._taken + most
        some = self._decoded[self._taken : end]
        self._taken += len(some)
        whole = self._taken == len(self._decoded)  # the batch may end with offsets that were compacted away
        self._unpacked.next_fetch_offset = self._next_offset if whole else some[-1].offset + 1
        return some

    def _decode(self) -> bool:
        """Decode the next batch that is to be read; False when there is none left."""
        unpacked = self._unpacked
        while unpacked._records.has_next():  # noqa: SLF001
            batch = unpacked._records.next_batch()  # noqa: SLF001
            if unpacked._check_crcs and not batch.validate_crc():  # noqa: SLF001
                raise CorruptRecordException(f"the checksum of a batch of {unpacked._tp} is wrong")  # noqa: SLF001
            if _is_aborted(unpacked, batch) or batch.is_control_batch:
                unpacked.next_fetch_offset = batch.next_offset
                continue
            first = unpacked.next_fetch_offset
            decoded: list[KafkaRecord] = list(batch)
            if decoded and decoded[0].offset < first:  # Kafka gives whole batches
                decoded = [record for record in decoded if record.offset >= first]
            if decoded:
                self._decoded, self._taken, self._next_offset = decoded, 0, batch.next_offset
                return True
            unpacked.next_fetch_offset = batch.next_offset
        return False


def _is_aborted(unpacked: PartitionRecords, batch: Any) -> bool:
    """Whether a batch belongs to a transaction that was aborted, as far as that counts."""
    if unpacked._isolation_level != READ_COMMITTED or batch.producer_id is None:  # noqa: SLF001
        return False
    unpacked._consume_aborted_up_to(batch.base_offset)  # noqa: SLF001
    aborted = unpacked._aborted_producers  # noqa: SLF001
    if batch.is_control_batch and unpacked._contains_abort_marker(batch):  # noqa: SLF001
        aborted.discard(batch.producer_id)
    return bool(batch.is_transactional and batch.producer_id in aborted)
