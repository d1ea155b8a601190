"""A chain of transforms as JDBC sinks often have one: a constant added, fields renamed, a time made readable."""

SETTINGS = {
    "collection.name.format": "changed_orders",
    "transforms": "tag,rename,readable",
    "transforms.tag.type": "org.apache.kafka.connect.transforms.InsertField$Value",
    "transforms.tag.static.field": "origin",
    "transforms.tag.static.value": "shop",
    "transforms.rename.type": "org.apache.kafka.connect.transforms.ReplaceField$Value",
    "transforms.rename.renames": "user_id:customer,total_cents:amount",
    "transforms.readable.type": "org.apache.kafka.connect.transforms.TimestampConverter$Value",
    "transforms.readable.field": "placed_at",
    "transforms.readable.target.type": "string",
    "transforms.readable.format": "yyyy-MM-dd HH:mm:ss.SSS",
}
