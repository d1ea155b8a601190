"""The inputs over which our transforms are compared with Kafka Connect's own: a list of cases per transform.

`record_transforms.py` runs them through Connect and writes what came out beside them into `transforms/*.json`.
"""

from itertools import chain

from tests.contract.sink.transform_cases.building import Case
from tests.contract.sink.transform_cases.cast import cast_cases
from tests.contract.sink.transform_cases.chains import predicate_cases, router_cases, timestamp_router_cases
from tests.contract.sink.transform_cases.change_events import extract_new_record_state_cases
from tests.contract.sink.transform_cases.fields import (
    extract_field_cases,
    flatten_cases,
    hoist_field_cases,
    mask_field_cases,
    replace_field_cases,
    value_to_key_cases,
)
from tests.contract.sink.transform_cases.metadata import (
    drop_headers_cases,
    header_from_cases,
    insert_field_cases,
    insert_header_cases,
    set_schema_metadata_cases,
)
from tests.contract.sink.transform_cases.times import form_cases, format_cases, precision_cases

CASES: dict[str, list[Case]] = {
    name: list(cases)
    for name, cases in {
        "Cast": cast_cases(),
        "Chain": predicate_cases(),
        "DropHeaders": drop_headers_cases(),
        "ExtractField": extract_field_cases(),
        "ExtractNewRecordState": extract_new_record_state_cases(),
        "Flatten": flatten_cases(),
        "HeaderFrom": header_from_cases(),
        "HoistField": hoist_field_cases(),
        "InsertField": insert_field_cases(),
        "InsertHeader": insert_header_cases(),
        "MaskField": mask_field_cases(),
        "RegexRouter": router_cases(),
        "ReplaceField": replace_field_cases(),
        "SetSchemaMetadata": set_schema_metadata_cases(),
        "TimestampConverter": chain(form_cases(), precision_cases(), format_cases()),
        "TimestampRouter": timestamp_router_cases(),
        "ValueToKey": value_to_key_cases(),
    }.items()
}
