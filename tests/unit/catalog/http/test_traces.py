"""What is shown of a record in Kafka stays small, whatever the record is."""

from catalog_service.changefeed.topic_consumer import Record
from catalog_service.http.trace_links import TraceLinks
from catalog_service.http.traces import _record


def test_of_a_record_s_headers_no_more_is_shown_than_a_person_reads() -> None:
    headers = [("x" * 2**20, b"y" * 2**20), *((f"name-{number}", b"") for number in range(10_000))]
    record = Record(
        topic="orders", partition=0, offset=1, key=b"k", value=b"v" * 2**20, headers=headers, timestamp_ms=1
    )
    shown = _record(record, [], TraceLinks(None))
    assert len(shown.headers) == 100
    assert len(shown.model_dump_json()) < 100_000
